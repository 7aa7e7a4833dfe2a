//! Status: one look-up, and one list of 2^20 entries compressed, signed and made into a gzip body.
//!
//! Run with `cargo bench --bench status`. The aim for the list is 15 ms on one core.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use yufu::{
    base::{
        limits::STATUS_LIST_ENTRIES,
        random::{Random, SeededRandom},
        time::Timestamp,
    },
    crypto::{Algorithm, SoftwareKey},
    format::status::{Bits, StatusList, StatusListClaims},
    model::{card::StatusRef, ids::ListId},
    revocation::publication::Publisher,
    store::status_board::{PackedList, StatusBoard},
};

const LIST: ListId = ListId(1);
const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);

/// A list in which this many of 1,000 entries, at random places, are invalid.
fn list(per_mille: usize) -> StatusList {
    let mut list = StatusList::all_valid(Bits::Two, STATUS_LIST_ENTRIES);
    let random = SeededRandom::new(1);
    for _ in 0..STATUS_LIST_ENTRIES * per_mille / 1000 {
        let mut place = [0; 4];
        random.fill(&mut place);
        let index = u64::from(u32::from_be_bytes(place)) % STATUS_LIST_ENTRIES as u64;
        list.set(index, 1).expect("an entry of the list");
    }
    list
}

fn board(list: &StatusList) -> StatusBoard {
    let board = StatusBoard::default();
    let given = vec![0xff; STATUS_LIST_ENTRIES / 8];
    let packed = PackedList::restore("resident-id".to_owned(), list.packed(), &given, 1).expect("a list's lengths");
    board.install(LIST, packed);
    board
}

fn look_up(c: &mut Criterion) {
    let board = board(&list(10));
    let mut index = 0;
    c.bench_function("status/look_up", |b| {
        b.iter(|| {
            index = (index + 1_000_003) % STATUS_LIST_ENTRIES as u32;
            black_box(board.entry(StatusRef { list: LIST, index }))
        });
    });
}

fn publish(c: &mut Criterion) {
    let mut group = c.benchmark_group("status/publish_2^20");
    group.sample_size(20);
    for per_mille in [1, 10, 100] {
        let list = list(per_mille);
        group.bench_with_input(BenchmarkId::new("compress", per_mille), &list, |b, list| {
            b.iter(|| StatusListClaims::encode(black_box(list.packed())));
        });
        let board = board(&list);
        for algorithm in Algorithm::ALL {
            let signer = Arc::new(SoftwareKey::generate(algorithm, &SeededRandom::new(2)));
            let fresh = || Publisher::new(signer.clone(), &[vec![0; 600]], "https://id.example");
            group.bench_function(BenchmarkId::new(format!("whole_{algorithm}"), per_mille), |b| {
                b.iter_batched(fresh, |publisher| publisher.publish_due(&board, 1, NOW), BatchSize::LargeInput);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, look_up, publish);
criterion_main!(benches);
