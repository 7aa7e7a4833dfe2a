//! `yufu bench` from outside: what it reports adds up, and what it fills in is a store like any other.

mod support;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use serde_json::Value;
use support::{TestService, person};
use yufu::{
    app::{
        bench::FillPlan,
        config::Config,
        wire::{Service, token_file},
    },
    base::{clock::SystemClock, random::SystemRandom},
    http::server::EndsBy,
    model::{
        card::State,
        record::{Key, Query},
    },
};

fn yufu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yufu")).args(arguments).output().expect("yufu runs")
}

fn good(arguments: &[&str]) -> String {
    let output = yufu(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("yufu writes text")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have names in UTF-8")
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().expect("counts by kind").values().map(|count| count.as_u64().expect("a count")).sum()
}

#[test]
fn every_operation_of_a_mixed_load_is_in_the_report_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (json, svg) = (folder.path().join("report.json"), folder.path().join("chart.svg"));
    let told = good(&[
        "bench",
        "mixed",
        "--rate",
        "40",
        "--duration",
        "2",
        "--connections",
        "4",
        "--cards",
        "200",
        "--json",
        text(&json),
        "--svg",
        text(&svg),
    ]);
    assert!(told.contains("p99.9 ms"), "{told}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).expect("a report")).expect("JSON");
    assert_eq!(
        (&report["scenario"], &report["target"], &report["arrivals"]),
        (&"mixed".into(), &"own".into(), &"poisson".into())
    );
    let [stage] = report["stages"].as_array().expect("stages").as_slice() else { panic!("one rate is one stage: {report}") };
    let count = |member: &str| stage[member].as_u64().expect("a count");
    let ends = sum(&stage["good"]) + sum(&stage["refused"]) + sum(&stage["failed"]) + count("never_begun");
    assert_eq!(ends, count("offered"), "{stage}");
    assert!((50..=120).contains(&count("offered")), "80 come in two seconds in the mean: {stage}");
    assert_eq!(sum(&stage["good"]), count("offered"), "the service does all of it: {stage}");
    assert_eq!(Vec::from_iter(stage["good"].as_object().expect("kinds").keys()), ["issue", "revoke", "status", "verify"]);
    let times: Vec<f64> = ["p50", "p90", "p99", "p99_9", "p99_99"]
        .iter()
        .map(|name| stage["latency_ms"][name].as_f64().expect("milliseconds"))
        .collect();
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
    assert!(stage["latency_ms"]["mean"].as_f64() >= stage["service_ms"]["mean"].as_f64(), "waiting counts: {stage}");
    let chart = std::fs::read_to_string(svg).expect("a chart");
    assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n") && chart.contains("p99.99"));
}

#[test]
fn a_running_service_is_measured_without_touching_cards_that_were_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, keys, json) = (folder.path().join("data"), folder.path().join("keys"), folder.path().join("report.json"));
    let config = Config::alone_in(data.clone(), keys);
    let clock = Arc::new(SystemClock::new());
    let service = Service::start(&config, clock, Arc::new(SystemRandom), EndsBy::Call).expect("the service starts");
    let plan = FillPlan { cards: 3, credential_type: "resident-id".to_owned(), revoked: 0.0 };
    let there = service.fill(&plan, 9).expect("three cards").good;
    let (url, token) = (service.public_url().to_owned(), token_file(&data));
    good(
        &[
            &["bench", "revoke", "--url", &url, "--token-file", text(&token)][..],
            &["--rate", "20", "--duration", "0.5", "--arrivals", "even", "--connections", "2", "--json", text(&json)],
        ]
        .concat(),
    );
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).expect("a report")).expect("JSON");
    assert_eq!(report["stages"][0]["good"], serde_json::json!({"revoke": 10}));
    let active = Query::Cards { person: None, state: Some(State::Active), credential_type: None };
    let active = service.store().find(&active, None, 99).expect("the store reads").records;
    let active: BTreeSet<_> = active.iter().map(|record| record.value.key()).collect();
    assert_eq!(active, there.into_iter().map(Key::Card).collect());
}

#[test]
fn a_filled_folder_is_a_store_like_any_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
    let place = ["--data", text(&data), "--keys", text(&keys)];
    let fill = |cards| good(&[&["bench", "--fill", cards, "--revoked", "0.1"][..], &place].concat());
    assert!(fill("1500").contains("1500 张合成卡"));
    // A store that holds nothing but samples takes more.
    assert!(fill("500").contains("500 张合成卡"));
    let audited = good(&[&["audit", "verify"][..], &place].concat());
    let issued = 2_000;
    let events = audited.split(": ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|count| count.parse::<u32>().ok());
    // The store, its list, a person for each commit of 1,000 cards at most, each card, and a revocation for about every tenth.
    let revoked = events.expect("a number of events") - issued - 3 - 2;
    assert!((140..=270).contains(&revoked), "{audited}");
}

#[test]
fn a_store_of_real_people_is_never_filled() {
    let mut service = TestService::start();
    service.admin().post("/admin/api/v1/people", &person(1)).good(201);
    let (data, keys, url) = (service.data(), service.keys(), service.url());
    service.stop();
    let refused = yufu(&["bench", "--fill", "10", "--data", text(&data), "--keys", text(&keys), "--public-url", &url]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("only an empty store is filled"), "{told}");
}

/// The page says what follows from its figures for whole countries; here it is computed once more, by another hand.
#[test]
fn the_arithmetic_to_whole_countries_is_right() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).expect("a page");
    let figures: Value = serde_json::from_str(&read("figures/figures.json")).expect("JSON");
    let page = read("FIGURES.md");
    let rows = figures["growth"]["rows"].as_object().expect("sizes that were measured");
    let largest = rows.keys().map(|cards| cards.parse::<u64>().expect("a number of cards")).max().expect("a size");
    let measured = &rows[&largest.to_string()];
    let disk: u64 = sum(&measured["disk_bytes"]);
    let sizes = measured["list_bytes"].as_array().expect("sizes").iter().filter_map(Value::as_u64);
    let full_list = sizes.max().filter(|_| largest >= 1_000_000);
    let held = figures["load"]["scenarios"]["verify"]["stages"].as_array().expect("stages");
    let held = held.iter().filter(|stage| stage["missed"] == false).filter_map(|stage| stage["rate"].as_f64());
    let held = held.reduce(f64::max);
    // Who, cards, copies of each, and how often a day each is shown.
    let scales = [
        ("6.5 million drivers, one copy each", 6_500_000, 1, 2.0),
        ("6.5 million drivers, ten copies each", 6_500_000, 10, 2.0),
        ("1.4 billion citizens, one copy each", 1_400_000_000, 1, 0.2),
        ("1.4 billion citizens, ten copies each", 1_400_000_000, 10, 0.2),
    ];
    for (who, cards, copies, shown_a_day) in scales {
        let lists = (cards * copies as u64).div_ceil(ENTRIES);
        let a_second = |times: f64| cards as f64 * times / 86_400.0;
        let not_measured = || "not measured".to_owned();
        let machines = held.map(|held| ((5.0 * a_second(shown_a_day)).floor() / held.floor()).ceil());
        let cells = [
            who.to_owned(),
            grouped(lists as f64, 0),
            size_of(lists as f64 * ENTRIES as f64 * 3.0 / 8.0),
            full_list.map_or_else(not_measured, |full| size_of((lists * full) as f64)),
            grouped(a_second(1.0 / 30.0), 1),
            grouped(a_second(shown_a_day), 0),
            machines.map_or_else(not_measured, |machines| grouped(machines, 0)),
            size_of(cards as f64 * disk as f64 / largest as f64),
        ];
        let row = format!("| {} |", cells.join(" | "));
        assert!(page.contains(&row), "docs/FIGURES.md should say: {row}");
    }
    // The numbers that the design gives for a country.
    assert_eq!(1_400_000_000_u64.div_ceil(ENTRIES), 1_336);
    assert_eq!(1_336 * ENTRIES / 4 / 1_000_000, 350, "megabytes of packed statuses");
}

/// Entries of a status list.
const ENTRIES: u64 = 1 << 20;

/// A number with its thousands apart.
fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut apart = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            apart.push(',');
        }
        apart.push(digit);
    }
    rest.map_or(apart.clone(), |rest| format!("{apart}.{rest}"))
}

/// Bytes in words.
fn size_of(bytes: f64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let unit = units.into_iter().find(|(_, factor)| bytes >= *factor);
    unit.map_or_else(|| format!("{bytes:.0} B"), |(unit, factor)| format!("{} {unit}", grouped(bytes / factor, 1)))
}
