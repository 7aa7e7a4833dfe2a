//! Files with one mistake each, and what is said of it.

use super::*;

const GOOD: &str = r#"
name = "counter"
title = { "zh-CN" = "柜台", en = "Counter" }
purpose = { "zh-CN" = "办事。", en = "To be served." }
[[credentials]]
id = "card"
type = "resident-id"
claims = [{ path = ["name"] }, { path = ["id_number"] }]
"#;

const SECOND: &str = r#"
[[credentials]]
id = "another"
type = "resident-id"
claims = [{ path = ["name"] }]
"#;

fn error(text: &str) -> String {
    read_as("counter.toml", text).expect_err("it is refused").to_string()
}

fn read_as(file: &str, text: &str) -> Result<UseCase, UseCaseFileError> {
    let types = CredentialTypes::built_in().expect("the shipped types are good");
    file::read(file, text, file::Surroundings { types: &types, public_url: "https://id.example" })
}

/// The good file with a line before its credentials.
fn with(line: &str) -> String {
    GOOD.replace("[[credentials]]", &format!("{line}\n[[credentials]]"))
}

/// The good file with other claims.
fn asking(claims: &str) -> String {
    GOOD.replace(r#"[{ path = ["name"] }, { path = ["id_number"] }]"#, claims)
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_its_cure() {
    assert!(read_as("counter.toml", GOOD).is_ok());
    let type_line = r#"type = "resident-id""#;
    let rows = [
        (
            GOOD.replace("\"counter\"", "\"Counter\""),
            "name: is no name; write lower-case letters, digits and hyphens, at most 64",
        ),
        (
            GOOD.replace("\"counter\"", "\"desk\""),
            "name: is not the name of the file; call the file desk.toml, or change the name",
        ),
        (GOOD.replace("To be served.", " "), "purpose.en: is empty; say it in this language too"),
        (
            with("issuers = []"),
            "issuers: the list is empty, so nothing could be accepted; name an issuer, or leave the key out",
        ),
        (with("max_proof_age_seconds = 301"), "max_proof_age_seconds: 301 is out of bounds; write a number from 1 to 300"),
        (with("max_proof_age_seconds = 0"), "max_proof_age_seconds: 0 is out of bounds; write a number from 1 to 300"),
        (
            format!("{}{}", with("shown_qr = { allowed = true, without_code = \"amber\" }"), SECOND),
            "shown_qr: several credentials are asked for, and a QR has room for one; leave it out, or ask for one credential",
        ),
        (
            asking("[{ path = ['portrait'] }]")
                .replace("[[cred", "shown_qr = { allowed = true, without_code = 'amber' }\n[[cred"),
            "shown_qr: without pictures nothing is left to show; leave it out, or ask for a claim that is no picture",
        ),
        (with("results_seconds = 86400"), "results_seconds: 86400 is out of bounds; write a number from 1 to 900"),
        (with("keep = { days = 367 }"), "keep.days: 367 is out of bounds; write a number from 1 to 366"),
        (
            with("status = { max_age_seconds = -1 }"),
            "status.max_age_seconds: -1 is out of bounds; write a number from 0 to 2678400",
        ),
        (
            GOOD.replace(type_line, r#"type = "resident""#),
            "credentials[0].type: there is no credential type `resident`; the types are resident-id, \
             transport-qualification; give another issuer's type as `vct`",
        ),
        (
            GOOD.replace(type_line, ""),
            "credentials[0]: says no type; add `type`, a type of this service, or `vct`, a list of others'",
        ),
        (
            GOOD.replace(type_line, &format!("{type_line}\nvct = ['urn:x']")),
            "credentials[0]: `type` and `vct` both stand; keep `type` for a type of this service, or `vct` for others'",
        ),
        (
            GOOD.replace(type_line, "vct = ['urn:x']"),
            "credentials[0].title: is missing; say in both languages what this credential of others is called",
        ),
        (
            GOOD.replace(type_line, "vct = ['urn:x']\ntitle = { zh-CN = '证', en = 'Card' }"),
            "credentials[0].claims[0].label: is missing; say in both languages what this claim of others is called",
        ),
        (GOOD.replace("id = \"card\"", "id = \"the card\""), "credentials[0].id: is no id; write letters, digits, `_` and `-`"),
        (
            format!("{GOOD}[[credentials]]\nid = 'card'\ntype = 'resident-id'"),
            "credentials[1].id: `card` stands twice; give each credential its own id",
        ),
        (
            asking("[{ path = ['nmae'] }]"),
            "credentials[0].claims[0].path: the type `resident-id` has no such claim; look up the claims in \
             credential-types/resident-id.toml",
        ),
        (asking("[{ path = [] }]"), "credentials[0].claims[0].path: does not begin with a name; write the claim's name first"),
        (
            asking("[{ path = ['name'] }, { path = ['name'], values = ['A'] }]"),
            "credentials[0].claims[1].path: the claim stands twice; name it once, with all its values",
        ),
        (
            asking("[{ path = ['name'] }]\nclaim_sets = [['name']]"),
            "credentials[0].claims[0].id: is missing; with claim_sets every claim needs an id",
        ),
        (
            asking("[{ id = 'n', path = ['name'] }]\nclaim_sets = [['m']]"),
            "credentials[0].claim_sets: there is no claim `m`; name ids of the claims of this credential",
        ),
        (
            asking("[{ id = 'n', path = ['name'] }]\nclaim_sets = [[]]"),
            "credentials[0].claim_sets: has an empty set; name at least one claim in every set",
        ),
        (
            asking("[{ path = ['name'] }]\ntrusted_authorities = [{ type = 'aki', values = [] }]"),
            "credentials[0].trusted_authorities: has no values; name an authority, or leave it out",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(error(&text), format!("counter.toml: {expected}"));
    }
}

#[test]
fn rules_that_what_is_asked_for_can_never_satisfy_are_mistakes() {
    let two = |rule: &str, claims: &str| {
        format!("{}[[credentials]]\nid = 'other'\ntype = 'transport-qualification'\nclaims = {claims}", with(rule))
    };
    let by_number = "same_person = { credentials = ['card', 'other'], by = 'id_number' }";
    assert!(read_as("counter.toml", &two(by_number, "[{ path = ['id_number'] }]")).is_ok());
    let rows = [
        (
            asking("[{ path = ['id_number'] }]").replace("[[credentials]]", "boarding_pass = 'required'\n[[credentials]]"),
            "boarding_pass: there is no name to match it with; ask for `latin_family_name` and `latin_given_name`, or for `name`",
        ),
        (
            with("transaction_data_types = ['t']").replace("id = \"card\"", "id = \"card\"\nholder_binding = false"),
            "transaction_data_types: no holder's proof could carry the data; ask for a credential with holder_binding",
        ),
        (
            with("same_person = { credentials = ['card', 'card'], by = 'id_number' }"),
            "same_person.credentials: does not name two different credentials; name two or more ids of [[credentials]]",
        ),
        (with(by_number), "same_person.credentials: there is no credential `other`; name ids of [[credentials]]"),
        (
            two(by_number, "[{ path = ['name'] }]"),
            "same_person.by: `other` is not always asked for `id_number`; ask for `id_number` in `other`, in every claim set",
        ),
        (
            two(by_number, "[{ id = 'i', path = ['id_number'] }, { id = 'n', path = ['name'] }]\nclaim_sets = [['i'], ['n']]"),
            "same_person.by: `other` is not always asked for `id_number`; ask for `id_number` in `other`, in every claim set",
        ),
        (
            two("same_person = { credentials = ['card', 'other'], by = 'name_and_birth_date' }", "[{ path = ['name'] }]"),
            "same_person.by: `card` is not always asked for `birth_date`; ask for `birth_date` in `card`, in every claim set",
        ),
        (
            format!("{GOOD}[[credential_sets]]\noptions = [['card', 'gone']]"),
            "credential_sets[0].options: there is no credential `gone`; name ids of [[credentials]]",
        ),
        (
            format!("{GOOD}[[credential_sets]]\noptions = [[]]"),
            "credential_sets[0].options: is empty; name at least one credential in every option",
        ),
        (
            format!("{}\n[[credential_sets]]\noptions = [['other']]", two("", "[]")),
            "credential_sets: credential `card` stands in no set, so nobody would be asked for it; put it into a set, or take it \
             out of [[credentials]]",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(error(&text), format!("counter.toml: {expected}"));
    }
}

#[test]
fn what_is_not_toml_or_no_known_key_is_named_with_line_and_what_is_expected() {
    let rows = [
        (with("colour = 'red'"), ["line 5", "unknown field `colour`, expected one of `name`"]),
        (with("boarding_pass = 'maybe'"), ["line 5", "unknown variant `maybe`, expected `required` or `optional`"]),
        (with("issuers = 'everybody'"), ["line 5", "\"anchored\", \"own\" or a list of issuers was expected"]),
        (with("keep = { months = 3 }"), ["line 5", "unknown field `months`, expected `days`"]),
        (asking("[{ path = [1.5] }]"), ["line 8", "a name, a number from 0 on, or \"*\" was expected"]),
        (asking("[{ path = ['name'], values = [1.5] }]"), ["line 8", "a text, a whole number, true or false was expected"]),
        (GOOD.replace("id = \"card\"", ""), ["line 5", "missing field `id`"]),
        (GOOD.replace("en = \"Counter\"", ""), ["line 3", "missing field `en`"]),
        ("name = ".to_owned(), ["line 1", ""]),
    ];
    for (text, expected) in rows {
        let error = error(&text);
        assert!(
            error.starts_with("counter.toml: ") && expected.iter().all(|part| error.contains(part)),
            "{expected:?}: {error}"
        );
    }
    let none = GOOD.split("[[credentials]]").next().expect("a part");
    assert!(error(none).contains("missing field `credentials`"));
    let nothing = format!("credentials = []\n{none}");
    let cure = "add a [[credentials]] with `id`, `type` and claims";
    assert_eq!(error(&nothing), format!("counter.toml: credentials: nothing is asked for; {cure}"));
}
