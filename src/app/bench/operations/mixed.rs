//! Everything at once, in fixed shares.

use crate::app::bench::{
    BenchError,
    deployment::Deployment,
    open_loop::Hand,
    operations::{Work, issue::Issue, revoke::Revoke, status::Status, verify::Verify},
    tally::Ended,
};

/// Operations after which the shares repeat: one issues, one revokes, two fetch a list, the others verify. A card that lives
/// for a month and is shown every other day is shown sixteen times for each time it is issued; that as many are revoked as
/// are issued is more than any office does, and harder.
pub const CYCLE: usize = 20;

/// Everything at once.
pub struct Mixed<'d> {
    issue: Issue<'d>,
    verify: Verify<'d>,
    revoke: Revoke<'d>,
    status: Status<'d>,
}

impl<'d> Mixed<'d> {
    /// Makes ready what `operations` need.
    pub fn prepare(deployment: &'d Deployment, operations: usize) -> Result<Self, BenchError> {
        let each = operations.div_ceil(CYCLE);
        Ok(Self {
            issue: Issue::prepare(deployment, each)?,
            verify: Verify::prepare(deployment)?,
            revoke: Revoke::prepare(deployment, each)?,
            status: Status::prepare(deployment)?,
        })
    }
}

impl Work for Mixed<'_> {
    fn hand(&self) -> Box<dyn Hand + '_> {
        Box::new(Everybody {
            issue: self.issue.hand(),
            verify: self.verify.hand(),
            revoke: self.revoke.hand(),
            status: self.status.hand(),
        })
    }
}

struct Everybody<'w> {
    issue: Box<dyn Hand + 'w>,
    verify: Box<dyn Hand + 'w>,
    revoke: Box<dyn Hand + 'w>,
    status: Box<dyn Hand + 'w>,
}

impl Hand for Everybody<'_> {
    fn act(&mut self, number: usize) -> (&'static str, Ended) {
        // Spread over the cycle, so that no two of the rare ones meet.
        let hand = match number % CYCLE {
            2 => &mut self.issue,
            7 | 17 => &mut self.status,
            12 => &mut self.revoke,
            _ => &mut self.verify,
        };
        hand.act(number)
    }
}
