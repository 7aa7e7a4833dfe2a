//! How many files this process may have open, connections included.

use std::fs;

/// What the system allows (`ulimit -n`); none where it does not say, and then nothing is held to it.
pub(super) fn may_be_open() -> Option<usize> {
    read(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// From the table of proc_pid_limits(5): name, soft limit, hard limit, unit.
fn read(table: &str) -> Option<usize> {
    let line = table.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // "unlimited" is no number, and is none.
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max processes             127000               127000               processes \n\
                     Max open files            1024                 524288               files     \n";
        assert_eq!(read(table), Some(1024));
        assert_eq!(read("Max open files            unlimited            unlimited            files\n"), None);
        assert_eq!(read(""), None);
    }
}
