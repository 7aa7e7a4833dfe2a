//! Who asks, and whether they may. The one place that makes an `Operator`.

mod bearer;
pub mod may;
pub mod pairing;
pub mod tokens;

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{
    Error, FromRequest, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use crate::{
    http::{
        State,
        auth::may::May,
        problem::{Kind, Problem},
    },
    model::{
        ids::TokenId,
        party::{Authority, Operator, Role},
    },
};

/// Proof that the bearer of a good token asked, and that its role has the capability that `M` names. A handler that
/// changes something cannot be written without one: the services take the [`Authority`] that only this gives.
pub struct Permit<M> {
    operator: Operator,
    may: PhantomData<M>,
}

impl<M> Permit<M> {
    /// On whose word the request is done.
    pub const fn authority(&self) -> Authority {
        Authority::Operator(self.operator)
    }

    /// The token that was shown.
    pub const fn token(&self) -> TokenId {
        self.operator.token()
    }
}

impl<M: May> FromRequest for Permit<M> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).and_then(|operator| {
            if operator.role().allows(M::CAPABILITY) {
                Ok(Self { operator, may: PhantomData })
            } else {
                Err(Kind::Forbidden.into())
            }
        }))
    }
}

/// Who bears the token of this request. While the store is guarded only checkpoints are believed, as the log names them.
pub fn authenticate(request: &HttpRequest) -> Result<Operator, Problem> {
    let state = request.app_data::<web::Data<State>>().ok_or(Problem::new(Kind::Internal))?;
    let hash = bearer::hash_of_token(request.headers())?;
    let (token, role) = state.store.roster().bearer(&hash).ok_or(Problem::new(Kind::InvalidToken))?;
    if state.is_guarded() && role != Role::Checkpoint {
        return Err(Kind::Guarded.into());
    }
    Ok(Operator::authenticated(token, role))
}

/// Around everything for operators and checkpoints: who shows no good token is told nothing of what is there.
pub(super) async fn bearers_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match authenticate(request.request()) {
        Ok(_) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(problem) => Ok(request.error_response(problem)),
    }
}
