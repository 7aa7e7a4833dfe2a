//! Resources with the methods they have, so that another method is told which ones there are.

use actix_web::{
    Resource, Route, guard,
    http::Method,
    web::{self, to},
};

use crate::http::problem::Problem;

/// One method of a resource.
pub(super) struct Entry {
    method: Method,
    route: Route,
    has_head: bool,
}

/// `GET`, and `HEAD` with it (RFC 9110 section 9.3.2).
pub(super) fn get(route: Route) -> Entry {
    Entry { method: Method::GET, route: route.guard(guard::Any(guard::Get()).or(guard::Head())), has_head: true }
}

/// Another method than `GET`, or `GET` without `HEAD`.
pub(super) fn on(method: Method, route: Route) -> Entry {
    Entry { route: route.method(method.clone()), method, has_head: false }
}

/// A resource at `path` with these methods; any other is answered with 405 and `Allow` (RFC 9110 section 15.5.6).
pub(super) fn resource(path: &str, entries: impl IntoIterator<Item = Entry>) -> Resource {
    let mut allow = Vec::new();
    let mut resource = web::resource(path);
    for Entry { method, route, has_head } in entries {
        allow.push(method.to_string());
        if has_head {
            allow.push(Method::HEAD.to_string());
        }
        resource = resource.route(route);
    }
    let allow = allow.join(", ");
    resource.default_service(to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<actix_web::HttpResponse, _>(problem) }
    }))
}
