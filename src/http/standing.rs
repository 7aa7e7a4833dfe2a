//! How well the service is: one judgement for the readiness page and the metrics.

use std::time::Duration;

use crate::{
    http::{State, problem::Words},
    store::{self, Health, Mode},
};

/// Seconds after which the oldest published list is worth a warning: an unchanged one is signed anew every 75
/// (`revocation::publication`), so that one round may fail unseen and two may not.
const LISTS_OLD_SECONDS: i64 = 150;

/// What an operator has to know although the service goes on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Warning {
    /// No standby confirms commits before they are answered.
    FailoverMayLoseRevocations,
    /// The database does not answer.
    StoreUnreachable,
    /// There is little room left on the disk.
    LittleRoom,
    /// The oldest published list was signed so many seconds ago: signing fails or hangs.
    ListsOld(i64),
    /// The wall clock was stepped within the last hour and stands so many seconds off.
    ClockStepped(i64),
    /// So many calls go on after their callers were told that it takes too long.
    CallsHang(usize),
}

impl Warning {
    /// Every name there is, for a metric that says 0 where there is nothing.
    pub const NAMES: [&str; 6] =
        ["failover_may_lose_revocations", "store_unreachable", "little_room", "lists_old", "clock_stepped", "calls_hang"];

    /// The stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FailoverMayLoseRevocations => "failover_may_lose_revocations",
            Self::StoreUnreachable => "store_unreachable",
            Self::LittleRoom => "little_room",
            Self::ListsOld(_) => "lists_old",
            Self::ClockStepped(_) => "clock_stepped",
            Self::CallsHang(_) => "calls_hang",
        }
    }

    /// What it means and what to do.
    pub fn words(&self) -> Words {
        match self {
            Self::FailoverMayLoseRevocations => Words::new(
                "没有同步备库：数据库故障切换可能丢失最后的吊销；请配置 synchronous_standby_names",
                "no standby confirms changes: a failover may lose the last revocations; set synchronous_standby_names",
            ),
            Self::StoreUnreachable => Words::new(
                "数据库无应答：核验按内存中的状态继续并注明时间，签发与吊销暂停；请检查数据库与网络",
                "the database does not answer: verification goes on from memory and says how old that is, issuing and revoking \
                 wait; look at the database and the network",
            ),
            Self::LittleRoom => Words::new(
                "磁盘空间不足：请尽快腾出空间，否则将无法签发与吊销",
                "there is little room on the disk: make some, or issuing and revoking will stop",
            ),
            Self::ListsOld(seconds) => Words::new(
                format!("最旧的状态列表已 {seconds} 秒未重新签名：请检查签名密钥；旧列表在到期前继续提供"),
                format!(
                    "the oldest status list was signed {seconds} seconds ago: look at the signing key; the last lists are \
                     served until they expire"
                ),
            ),
            Self::ClockStepped(seconds) => Words::new(
                format!("系统时钟被调整，偏差 {seconds} 秒：请检查时间服务器，以及此间签署内容的日期"),
                format!(
                    "the clock was stepped and stands {seconds} seconds off: look at the time server, and at what was dated \
                     meanwhile"
                ),
            ),
            Self::CallsHang(count) => Words::new(
                format!("{count} 个操作超时仍未结束：存储或签名设备可能无应答"),
                format!("{count} calls go on long after their time: the store or the signing device may hang"),
            ),
        }
    }
}

impl From<store::Caution> for Warning {
    fn from(caution: store::Caution) -> Self {
        match caution {
            store::Caution::FailoverMayLoseRevocations => Self::FailoverMayLoseRevocations,
            store::Caution::Unreachable => Self::StoreUnreachable,
            store::Caution::LittleRoom => Self::LittleRoom,
        }
    }
}

/// The judgement, and what it rests on.
pub struct Standing {
    /// `ready`, `opening`, `read_only`, `guarded` or `unreachable`.
    pub status: &'static str,
    /// What that means and what to do.
    pub message: Words,
    /// Whether the service can do all of its work.
    pub is_ready: bool,
    /// What else there is to know.
    pub warnings: Vec<Warning>,
    /// What the store says of itself.
    pub health: Health,
    /// The age of the oldest published list in seconds; none before one was published.
    pub oldest_list_seconds: Option<i64>,
}

impl Standing {
    /// The names of the modes, for a metric that says 0 for those that are not.
    pub const STATUSES: [&str; 5] = ["ready", "opening", "read_only", "guarded", "unreachable"];

    /// How it is now. Nothing here waits.
    pub fn of(state: &State) -> Self {
        let health = state.store.health();
        let oldest_list_seconds = state.publisher.oldest().map(|at| state.clock.now().seconds_since(at).max(0));
        let mut warnings: Vec<Warning> = health.cautions.iter().copied().map(Warning::from).collect();
        // Lists of a store that lost data are not signed anew on purpose.
        let publishes = !matches!(health.mode, Mode::Guarded(_));
        warnings.extend(oldest_list_seconds.filter(|age| publishes && *age > LISTS_OLD_SECONDS).map(Warning::ListsOld));
        warnings.extend(Some(state.clock_watch.off()).filter(|off| *off != 0).map(Warning::ClockStepped));
        warnings.extend(Some(state.door.late()).filter(|late| *late > 0).map(Warning::CallsHang));
        let (status, message) = status(&health);
        Self { status, message, is_ready: status == "ready", warnings, health, oldest_list_seconds }
    }

    /// How old the newest word from the other nodes is.
    pub const fn lag(&self) -> Duration {
        self.health.lag
    }
}

fn status(health: &Health) -> (&'static str, Words) {
    match &health.mode {
        Mode::Normal if health.cautions.contains(&store::Caution::Unreachable) => {
            ("unreachable", Warning::StoreUnreachable.words())
        }
        Mode::Normal => ("ready", Words::new("服务正常", "the service does all of its work")),
        Mode::Opening => {
            ("opening", Words::new("正在打开存储，核验已可用", "the records are being opened; verification works already"))
        }
        Mode::ReadOnly => (
            "read_only",
            Words::new("写入曾出错，重启前只读", "writing failed; the store only reads until the service is restarted"),
        ),
        Mode::Guarded(damage) => {
            let english = format!("{damage}; stop the service and run `yufu repair`");
            ("guarded", Words::new("存储曾丢失数据；请停止服务并运行 yufu repair", english))
        }
    }
}
