//! Codes with which people sign in: handed out at a counter, or sent by letter.

use std::fmt::Write;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, Payload, ServiceConfig, post},
};
use serde::Serialize;

use crate::{
    base::limits::CSV_BODY_BYTES,
    http::{
        State,
        auth::{Permit, may},
        call::call,
        extract::{Id, MediaType, read_body},
        problem::{Problem, ProblemDocument, Words},
        route::{on, resource},
    },
    issuance::sign_in::{BulkLine, LineProblem},
    model::ids::PersonId,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(resource("/people/{id}/activation-codes", [on(Method::POST, post().to(activation_code))]));
    app.service(resource("/people/{id}/recovery-codes", [on(Method::POST, post().to(recovery_code))]));
    app.service(resource("/activation-codes", [on(Method::POST, post().to(activation_codes))]));
}

/// An activation code. It is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct ActivationCodeMade {
    /// Twelve digits in groups.
    activation_code: String,
    expires_at: String,
}

/// A recovery code. It is shown here and never again.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::http) struct RecoveryCodeMade {
    /// Twenty digits in groups.
    recovery_code: String,
    expires_at: String,
}

/// An activation code for a person
///
/// Good once, for 30 days, in place of the one before. Hand it out only to whom it is for, or send it to the address in the
/// register.
#[utoipa::path(
    post, path = "/admin/api/v1/people/{id}/activation-codes", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The person")),
    responses(
        (status = 201, description = "Made", body = ActivationCodeMade),
        (status = 404, description = "No such person, or they died", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn activation_code(
    permit: Permit<may::MakeSignInCodes>,
    state: web::Data<State>,
    Id(id): Id<PersonId>,
) -> Result<HttpResponse, Problem> {
    let made = call(&state, move |state| state.sign_ins.make_activation_code(&permit.authority(), id)).await??;
    let activation_code = made.code.expose().clone();
    Ok(HttpResponse::Created().json(ActivationCodeMade { activation_code, expires_at: made.expires_at.to_string() }))
}

/// A recovery code for a person who stands at a counter
///
/// Good once, for ten years, in place of the one before.
#[utoipa::path(
    post, path = "/admin/api/v1/people/{id}/recovery-codes", tag = "administration", security(("bearer" = [])),
    params(("id" = String, Path, description = "The person")),
    responses(
        (status = 201, description = "Made", body = RecoveryCodeMade),
        (status = 404, description = "No such person, or they died", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn recovery_code(
    permit: Permit<may::MakeSignInCodes>,
    state: web::Data<State>,
    Id(id): Id<PersonId>,
) -> Result<HttpResponse, Problem> {
    let made = call(&state, move |state| state.sign_ins.make_recovery_code(&permit.authority(), id)).await??;
    let recovery_code = made.code.expose().clone();
    Ok(HttpResponse::Created().json(RecoveryCodeMade { recovery_code, expires_at: made.expires_at.to_string() }))
}

/// Activation codes for many people, for letters
///
/// One ID number a line, at most a thousand; a first line `id_number` is taken for a heading, further columns are left out.
/// Every line is answered by its number; one that is no good stops no other.
#[utoipa::path(
    post, path = "/admin/api/v1/activation-codes", tag = "administration", security(("bearer" = [])),
    request_body(content = String, content_type = "text/csv", description = "`id_number`"),
    responses(
        (status = 200, description = "`line,id_number,activation_code,expires_at,problem`; the problem is `not_an_id_number`, `unknown_person` or `doubled`", body = String, content_type = "text/csv"),
        (status = 400, description = "No line, or too many", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn activation_codes(
    permit: Permit<may::MakeSignInCodes>,
    state: web::Data<State>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let body = read_body(&request, body.into_inner(), MediaType::Csv, CSV_BODY_BYTES).await?;
    let text = std::str::from_utf8(&body)
        .map_err(|_| Problem::field("", "invalid", Words::new("文件须为 UTF-8 编码", "the file has to be UTF-8")))?;
    let (places, numbers): (Vec<usize>, Vec<String>) = lines(text).unzip();
    let made = call(&state, move |state| state.sign_ins.make_activation_codes(&permit.authority(), &numbers)).await??;
    let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"activation-codes.csv\"");
    Ok(HttpResponse::Ok().content_type("text/csv; charset=utf-8").insert_header(name).body(table(&places, &made)))
}

/// The first column of every line that is not empty, with the line's number; office programs put a mark before the first and
/// quotation marks around numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first_column = |line: &str| line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"').to_owned();
    (1..)
        .zip(text.lines().map(first_column))
        .filter(|(_, cell)| !cell.is_empty())
        .filter(|(place, cell)| *place > 1 || !cell.eq_ignore_ascii_case("id_number"))
}

/// The answer. What is no ID number is not repeated: office programs would run what begins like a formula.
fn table(places: &[usize], made: &[BulkLine]) -> String {
    let mut table = "line,id_number,activation_code,expires_at,problem\r\n".to_owned();
    for (place, line) in places.iter().zip(made) {
        // Writing to a text cannot fail.
        let _ = match &line.made {
            Ok(made) => write!(table, "{place},{},{},{},\r\n", line.id_number, made.code.expose(), made.expires_at),
            Err(LineProblem::NotAnIdNumber) => write!(table, "{place},,,,{}\r\n", LineProblem::NotAnIdNumber.name()),
            Err(problem) => write!(table, "{place},{},,,{}\r\n", line.id_number, problem.name()),
        };
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_office_programs_write_them() {
        let read = |text| lines(text).collect::<Vec<_>>();
        let good = vec![(2, "52010219900307109X".to_owned()), (4, "x".to_owned())];
        assert_eq!(read("\u{feff}id_number\r\n\"52010219900307109X\",name\r\n\r\n x ;y\n"), good);
        assert_eq!(read("x"), [(1, "x".to_owned())]);
        assert_eq!(read("id_number\n\n,a"), []);
    }

    #[test]
    fn what_is_no_number_is_not_repeated() {
        let made = [BulkLine { id_number: "=cmd()".into(), made: Err(LineProblem::NotAnIdNumber) }];
        assert_eq!(table(&[7], &made), "line,id_number,activation_code,expires_at,problem\r\n7,,,,not_an_id_number\r\n");
    }
}
