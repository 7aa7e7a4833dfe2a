//! One module for each command of `yufu`.
