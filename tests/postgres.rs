//! The store on PostgreSQL, against servers that the tests start themselves; without PostgreSQL they say so and pass.
#![cfg(feature = "postgres")]

#[allow(dead_code, reason = "a part of it is enough through a pooler")]
#[path = "store/contract.rs"]
mod contract;
#[path = "store/harness.rs"]
mod harness;
mod support;

#[path = "postgres/memory.rs"]
mod memory;
#[path = "postgres/outcome.rs"]
mod outcome;
#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "postgres/service.rs"]
mod service;
#[path = "postgres/ways.rs"]
mod ways;

use support::postgres::Cluster;

#[test]
fn what_a_cluster_has_answered_survives_its_crash_and_reaches_a_synchronous_standby() {
    let Some(mut primary) = Cluster::start() else { return };
    primary.sql("create table kept (n int)");
    let standby = primary.standby(true);
    primary.sql("set synchronous_commit = remote_apply; insert into kept values (1)");
    assert_eq!(standby.sql("select n from kept"), "1");
    primary.stop_immediate();
    standby.promote();
    standby.sql("insert into kept values (2)");
    assert_eq!(standby.sql("select count(*) from kept"), "2");
    drop(standby);
    primary.start_again();
    assert_eq!(primary.sql("select n from kept"), "1");
}
