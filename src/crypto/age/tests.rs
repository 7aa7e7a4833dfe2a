use super::*;
use crate::base::random::SeededRandom;

/// Made by `age-keygen` 1.1.1.
const SECRET: &str = "AGE-SECRET-KEY-1Q3JND862UMR3QAN0WD9PZ0367G6G2PT2C8HP68UQXJPRC3UUSM6STQGXNA";
const PUBLIC: &str = "age1hrpkpt4ez47u3vsnsq6q8duaue47ggnm5zgfzh5r33chg65hadhs0qnunj";
/// `printf 'a backup' | age -r PUBLIC`, in base64.
const BY_AGE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBTNG9EK1lVOFRidWMzZlo1SXBYS2F0eXVmYU1MRHYzVzArVjlxWU9zV0ZNCnJ2V2JUdVl1eU5FRFNQNldJaVhmNnRPMWdGcHhFTWc4T1FKZVZVd1VobDAKLS0tIDVnTWdrUDVZcjl3Q0p3SFR0bEFWU0ZyMVAvUTd1LzI5SmN2UEFib2Ftc3MKNH50uvkobE5WD4tHWy9Gaffkl3iXx3d+ePGylzHDDHNrUSlll9beZA==";

fn secret() -> Identity {
    Identity::parse(SECRET).expect("a key")
}

fn encrypted(plain: &[u8], to: &[Recipient]) -> Vec<u8> {
    let mut writer = encrypt(to, &SeededRandom::new(3), Vec::new()).expect("it begins");
    plain.chunks(10_007).for_each(|part| writer.write_all(part).expect("it is written"));
    writer.finish().expect("it ends")
}

fn opened(bytes: &[u8], with: &Identity) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let mut reader = decrypt(std::slice::from_ref(with), bytes).map_err(|error| error.to_string())?;
    reader.read_to_end(&mut plain).map_err(|error| error.to_string())?;
    Ok(plain)
}

#[test]
fn keys_are_read_and_written_as_age_keygen_does() {
    assert_eq!(secret().recipient().map(|public| public.to_string()).as_deref(), Ok(PUBLIC));
    assert_eq!(*secret().to_text(), SECRET);
    assert_eq!(Recipient::parse(PUBLIC), secret().recipient());
    let file = format!("# created: today\n# public key: {PUBLIC}\n{SECRET}\n");
    assert_eq!(Identity::parse_file(&file).map(|keys| keys.len()), Ok(1));
    assert_eq!(
        Recipient::parse_file(&format!("# of the vault\n\n{PUBLIC}\n")),
        Ok(vec![secret().recipient().expect("public")])
    );
    for text in ["", "age1", &PUBLIC[..61], SECRET, "age1hrpkpt4ez47u3vsnsq6q8duaue47ggnm5zgfzh5r33chg65hadhs0qnunk"] {
        assert_eq!(Recipient::parse(text), Err(KeyTextError::Recipient), "{text}");
    }
    assert_eq!(Identity::parse(PUBLIC).map(drop), Err(KeyTextError::Identity));
    assert_eq!(Identity::parse_file("# nothing\n").map(drop), Err(KeyTextError::Identity));
    assert_eq!(format!("{:?}", secret()), "Identity(Secret(..))");
}

#[test]
fn a_file_that_age_made_is_opened() {
    let file = base64::engine::general_purpose::STANDARD.decode(BY_AGE).expect("base64");
    assert_eq!(opened(&file, &secret()).as_deref(), Ok(&b"a backup"[..]));
}

#[test]
fn what_is_encrypted_opens_with_each_of_its_keys_and_with_no_other() {
    let (other, third) = (Identity::generate(&SeededRandom::new(1)), Identity::generate(&SeededRandom::new(2)));
    let recipients = [&secret(), &other].map(|key| key.recipient().expect("public"));
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let file = encrypted(&plain, &recipients);
        assert!(opened(&file, &secret()).as_deref() == Ok(&plain), "{length}");
        assert!(opened(&file, &other).as_deref() == Ok(&plain), "{length}");
        assert_eq!(opened(&file, &third), Err("it was not encrypted to this key".to_owned()));
    }
    assert!(encrypt(&[], &SeededRandom::new(3), Vec::new()).is_err(), "nobody could open it");
}

#[test]
fn a_file_that_was_cut_off_or_altered_anywhere_does_not_open_whole() {
    let plain = vec![7; 70_000];
    let file = encrypted(&plain, &[secret().recipient().expect("public")]);
    for at in (0..file.len()).step_by(97).chain(0..230) {
        assert!(opened(&file[..at], &secret()).is_err(), "cut at {at}");
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(opened(&altered, &secret()).is_err(), "altered at {at}");
    }
    assert!(opened(&[&file[..], b"x"].concat(), &secret()).is_err(), "something was added");
    // Chunks cannot change places.
    let two = encrypted(&vec![7; 131_072], &[secret().recipient().expect("public")]);
    let end = two.len();
    let begin = end - 2 * 65_552;
    let swapped = [&two[..begin], &two[begin + 65_552..], &two[begin..begin + 65_552]].concat();
    assert!(opened(&swapped, &secret()).is_err());
}
