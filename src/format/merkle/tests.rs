use proptest::prelude::*;

use super::*;

/// The eight entries of the tests of RFC 6962's reference implementation, and the roots of the trees over the first n.
const ENTRIES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hex(hash: Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// MTH as RFC 9162 section 2.1.1 writes it down.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256([]),
        [leaf] => *leaf,
        _ => {
            let mut middle = 1;
            while middle * 2 < leaves.len() {
                middle *= 2;
            }
            node_hash(&root_by_definition(&leaves[..middle]), &root_by_definition(&leaves[middle..]))
        }
    }
}

#[test]
fn the_roots_of_the_reference_entries_are_the_known_ones() {
    let leaves: Vec<_> = ENTRIES.iter().map(|entry| leaf_hash(entry)).collect();
    let mut tree = Frontier::new();
    assert_eq!(hex(tree.root()), ROOTS[0]);
    for (size, leaf) in (1..).zip(&leaves) {
        tree.append(*leaf);
        assert_eq!((tree.size(), hex(tree.root())), (size as u64, ROOTS[size].to_owned()));
        assert_eq!(root_by_definition(&leaves[..size]), tree.root());
    }
}

#[test]
fn the_proofs_of_the_reference_entries_are_the_known_ones() {
    let leaves: Vec<_> = ENTRIES.iter().map(|entry| leaf_hash(entry)).collect();
    let shown = |proof: Option<Vec<Hash>>| proof.map(|proof| proof.into_iter().map(hex).collect::<Vec<_>>());
    // PATH(2, D[3]) is the root over the first two; PROOF(6, D[8]) as in the reference tests.
    assert_eq!(shown(inclusion_proof(&leaves, 2, 3)), Some(vec![ROOTS[2].to_owned()]));
    assert_eq!(
        shown(consistency_proof(&leaves, 6, 8)),
        Some(vec![
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a".to_owned(),
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0".to_owned(),
            ROOTS[4].to_owned(),
        ])
    );
}

#[test]
fn every_inclusion_proof_up_to_70_leaves_holds_and_no_altered_one() {
    let leaves = leaves(70);
    for size in 1..=70 {
        let root = root_by_definition(&leaves[..size as usize]);
        for index in 0..size {
            let leaf = leaves[index as usize];
            let proof = inclusion_proof(&leaves, index, size).expect("the leaf is there");
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()), "{index} of {size}");
            assert_eq!(verify_inclusion(&sha256(leaf), index, size, &proof, &root), Err(BadProof));
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &sha256(root)), Err(BadProof));
            if size > 1 {
                assert_eq!(verify_inclusion(&leaf, (index + 1) % size, size, &proof, &root), Err(BadProof));
                assert_eq!(verify_inclusion(&leaf, index, size, &proof[1..], &root), Err(BadProof));
            }
            let longer = [&proof[..], &[leaf]].concat();
            assert_eq!(verify_inclusion(&leaf, index, size, &longer, &root), Err(BadProof));
        }
        assert_eq!(inclusion_proof(&leaves, size, size), None);
        assert_eq!(verify_inclusion(&leaves[0], size, size, &[], &root), Err(BadProof));
    }
    assert_eq!(inclusion_proof(&leaves, 0, 71), None, "there are not as many leaves");
    assert_eq!(inclusion_proof(&leaves, 0, 0), None);
}

#[test]
fn every_consistency_proof_up_to_70_leaves_holds_and_no_altered_one() {
    let leaves = leaves(70);
    let roots: Vec<_> = (0..=70).map(|size| root_by_definition(&leaves[..size])).collect();
    for new in 0..=70_u64 {
        let new_root = &roots[new as usize];
        for old in 0..=new {
            let old_root = &roots[old as usize];
            let proof = consistency_proof(&leaves, old, new).expect("the trees are there");
            assert_eq!(verify_consistency(old, old_root, new, new_root, &proof), Ok(()), "{old} to {new}");
            assert_eq!(verify_consistency(old, &sha256(old_root), new, new_root, &proof), Err(BadProof));
            let longer = [&proof[..], &[*new_root]].concat();
            assert_eq!(verify_consistency(old, old_root, new, new_root, &longer), Err(BadProof));
            if old > 0 && old < new {
                assert_eq!(verify_consistency(old, old_root, new, &sha256(new_root), &proof), Err(BadProof));
                assert_eq!(verify_consistency(old, old_root, new, new_root, &proof[1..]), Err(BadProof));
                for at in 0..proof.len() {
                    let mut altered = proof.clone();
                    altered[at][7] ^= 1;
                    assert_eq!(verify_consistency(old, old_root, new, new_root, &altered), Err(BadProof));
                }
            }
        }
        assert_eq!(verify_consistency(new + 1, new_root, new, new_root, &[]), Err(BadProof));
    }
    assert_eq!(consistency_proof(&leaves, 5, 4), None);
    assert_eq!(consistency_proof(&leaves, 5, 71), None);
}

#[test]
fn the_largest_sizes_are_answered_without_overflow() {
    let path = inclusion_path(u64::MAX - 1, u64::MAX).expect("such a leaf");
    assert_eq!(path.len(), 63);
    assert_eq!(consistency_path(u64::MAX - 1, u64::MAX).map(|path| path.len()), Some(64));
    let (leaf, proof) = ([1; 32], [[2; 32]; 64]);
    assert_eq!(verify_inclusion(&leaf, u64::MAX - 1, u64::MAX, &proof, &leaf), Err(BadProof));
    assert_eq!(verify_consistency(u64::MAX - 1, &leaf, u64::MAX, &leaf, &proof), Err(BadProof));
    assert_eq!(verify_consistency(1 << 63, &leaf, u64::MAX, &leaf, &proof), Err(BadProof));
}

#[test]
fn a_frontier_of_the_wrong_length_is_refused() {
    let good = leaves(5).into_iter().collect::<Frontier>().to_bytes();
    assert_eq!(good.len(), 8 + 2 * 32);
    let wrong_size = [&6_u64.to_be_bytes()[..], &good[8..40]].concat();
    for bad in [&[][..], &good[..7], &good[..8], &good[..40], &good[..71], &[&good[..], &[0]].concat(), &wrong_size] {
        assert_eq!(Frontier::from_bytes(bad), Err(NotAFrontier), "{} bytes", bad.len());
    }
    assert_eq!(Frontier::from_bytes(&[0; 8]), Ok(Frontier::new()));
}

proptest! {
    #[test]
    fn a_frontier_goes_on_from_its_bytes_and_from_its_json(count in 0_u64..70, more in 0_u64..70) {
        let all = leaves(count + more);
        let tree: Frontier = all[..count as usize].iter().copied().collect();
        prop_assert_eq!(tree.root(), root_by_definition(&all[..count as usize]));
        let mut from_bytes = Frontier::from_bytes(&tree.to_bytes()).expect("what was written");
        let json = serde_json::to_string(&tree).expect("a frontier serialises");
        prop_assert_eq!(&serde_json::from_str::<Frontier>(&json).expect("what was written"), &tree);
        all[count as usize..].iter().for_each(|leaf| from_bytes.append(*leaf));
        prop_assert_eq!(from_bytes.root(), root_by_definition(&all));
        prop_assert_eq!(from_bytes.size(), count + more);
    }
}
