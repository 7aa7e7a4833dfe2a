//! The first page: one's cards, and what is most urgent.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, ServiceConfig, get as get_route},
};
use askama::Template;

use crate::{
    http::{
        State,
        call::call,
        citizen::{
            my::{
                face::{Face, Standing},
                words,
            },
            page::Visitor,
            pages,
            session::{Citizen, HOME},
        },
        extract::Params,
        problem::Problem,
        route::get,
    },
    issuance::self_service::SelfServiceError,
    model::own_suspension::UndoError,
};

pub(super) fn configure(app: &mut ServiceConfig) {
    app.service(pages(HOME, [get(get_route().to(home))]));
}

#[derive(Template)]
#[template(path = "citizen/my/home.html")]
struct HomePage<'a> {
    visitor: &'a Visitor,
    name: &'a str,
    /// What was done just before.
    done: Option<&'a str>,
    current: Vec<Face>,
    former: Vec<Face>,
    can_suspend: bool,
    can_undo: bool,
    method: &'a str,
    since: String,
}

async fn home(citizen: Citizen, state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Citizen { visitor, session } = citizen;
    let asked = session.clone();
    let read = call(&state, move |state| -> Result<_, SelfServiceError> {
        Ok((state.self_service.person(&asked)?, state.self_service.cards(&asked)?))
    });
    let (registered, cards) = read.await??;
    let now = state.clock.now();
    let faces = cards.iter().map(|card| Face::of(&visitor, &state, &registered.person, card));
    let (former, current): (Vec<_>, Vec<_>) = faces.partition(|face| face.standing.is_over());
    let page = HomePage {
        visitor: &visitor,
        name: &registered.person.name,
        done: done(&visitor, &request),
        can_suspend: current.iter().any(|face| face.standing == Standing::Good),
        can_undo: cards.iter().any(|card| !matches!(card.can_be_undone(now, now), Err(UndoError::NotOwn | UndoError::TooLate))),
        current,
        former,
        method: words::method(&visitor, session.method),
        since: visitor.moment(session.signed_in_at),
    };
    visitor.page(&page)
}

/// What was done just before, by a name in the address.
fn done<'a>(visitor: &Visitor, request: &HttpRequest) -> Option<&'a str> {
    let named = Params::parse(request.query_string()).ok()?.take("done")?;
    Some(match named.as_str() {
        "suspended" => visitor.say(
            "已暂停，即刻生效：任何查验点都不再接受这些证件。",
            "Suspended. From this moment no checkpoint accepts these cards any more.",
        ),
        "undone" => visitor.say("已恢复，这些证件又可以使用了。", "Undone. These cards can be used again."),
        _ => return None,
    })
}
