//! Every kind of problem with its code, status and words. The codes are stable; `docs/PROBLEMS.md` lists them.

use actix_web::http::StatusCode;

/// What is fixed for a kind.
pub(super) struct Facts {
    pub code: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

/// One row a kind: name, code, status, title, then what to tell people in Chinese and in English.
macro_rules! kinds {
    ($($name:ident $code:literal $status:ident $title:literal $zh:literal $en:literal;)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[expect(missing_docs, reason = "each is described by its words")]
        pub enum Kind {
            $($name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) const fn facts(self) -> Facts {
                match self {
                    $(Self::$name => Facts {
                        code: $code,
                        status: StatusCode::$status,
                        title: $title,
                        zh: $zh,
                        en: $en,
                    },)*
                }
            }
        }
    };
}

kinds! {
    InvalidJson "invalid_json" BAD_REQUEST
        "The body is not acceptable JSON"
        "请求正文不是可接受的 JSON：须为 UTF-8，键不得重复，嵌套不得过深"
        "The body is not acceptable JSON: UTF-8, every key once, not nested too deeply";
    InvalidRequest "invalid_request" BAD_REQUEST
        "The request is not as described"
        "请求内容不符合接口说明，请按 errors 中的提示修改"
        "The request is not as the documentation describes it; correct what `errors` names";
    Unauthenticated "unauthenticated" UNAUTHORIZED
        "A bearer token is needed"
        "需要访问令牌：Authorization: Bearer …"
        "A token is needed: Authorization: Bearer ...";
    InvalidToken "invalid_token" UNAUTHORIZED
        "The bearer token is not good"
        "访问令牌无效或已停用，请向管理员申请新的令牌"
        "The token is unknown or was switched off; ask an administrator for another";
    Forbidden "forbidden" FORBIDDEN
        "The role does not allow this"
        "该令牌的角色无权执行此操作"
        "The role of this token does not allow this";
    UseCaseNotAllowed "use_case_not_allowed" FORBIDDEN
        "This checkpoint is not registered for the use case"
        "该检查点未登记此用途，请管理员重新建立检查点账户"
        "This checkpoint is not registered for this use case; ask an administrator for an account that is";
    QueryNotAllowed "query_not_allowed" FORBIDDEN
        "This checkpoint asks by use case only"
        "该检查点只能按用途查验，请给出 use_case"
        "This checkpoint is limited to use cases: name one in `use_case`";
    AsksTooMuch "asks_too_much" FORBIDDEN
        "The query asks for more than the use case registers"
        "query 所要求的内容超出该用途登记的范围"
        "The query asks for more than the use case registers; `GET /checkpoint/api/v1/use-cases` shows what it does";
    RedirectUriNotAllowed "redirect_uri_not_allowed" FORBIDDEN
        "The address to come back to is not registered"
        "该 redirect_uri 未在检查点账户中登记"
        "This redirect_uri is not registered with the account of this checkpoint";
    OriginNotAllowed "origin_not_allowed" FORBIDDEN
        "The origin is not registered"
        "该 origin 未在检查点账户中登记"
        "This origin is not registered with the account of this checkpoint";
    ResponseCodeWrong "response_code_wrong" FORBIDDEN
        "The response code is wrong"
        "response_code 不正确；多次错误后结果将被销毁"
        "The response code is wrong; after a few wrong ones the result is destroyed";
    NotFound "not_found" NOT_FOUND
        "Not found"
        "没有此资源"
        "There is nothing at this address";
    PairingNotOpen "pairing_not_open" NOT_FOUND
        "The pairing code does not work"
        "配对码不存在、已使用或已过期，请向管理员索取新的配对码"
        "The pairing code is unknown, used or past its time; ask an administrator for another";
    AuthorizationNotOpen "authorization_not_open" NOT_FOUND
        "The request of the wallet is not open"
        "该请求不存在、已处理、已过期，或是在另一个浏览器中打开的；请回到钱包应用重新开始"
        "The request is unknown, answered, past its time, or was opened in another browser; go back to the wallet app and start again";
    FormNotOurs "form_not_ours" FORBIDDEN
        "The form does not come from a page of this service in the same browser"
        "表单不是从本服务的页面在同一浏览器中提交的，或浏览器禁用了 Cookie；请返回上一页，刷新后再试"
        "The form was not sent from a page of this service in this browser, or cookies are off; go back, reload the page and try again";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED
        "The resource does not have this method"
        "该资源不支持此方法，可用方法见 Allow 头"
        "The resource does not have this method; the header Allow names those it has";
    BodyTooSlow "body_too_slow" REQUEST_TIMEOUT
        "The body did not arrive in time"
        "请求正文未在规定时间内到达，请重试"
        "The body did not arrive in time; try again";
    PersonExists "person_exists" CONFLICT
        "A person with this ID number is registered already"
        "该身份号码已登记"
        "A person with this ID number is registered already";
    WalletExists "wallet_exists" CONFLICT
        "A wallet of this client_id is registered already"
        "该 client_id 已登记；如需更改名称或地址，请使用 PUT"
        "A wallet of this client_id is registered already; PUT changes its name and addresses";
    WalletOff "wallet_off" CONFLICT
        "The wallet is switched off"
        "该钱包已停用；如需重新启用，请再次登记"
        "The wallet is switched off; register it again to have it back";
    CardRevoked "card_revoked" CONFLICT
        "The card is revoked, which is final"
        "该证件已吊销，吊销不可撤回；如有需要请重新签发"
        "The card is revoked, which is final; issue a new one where needed";
    CardNotSuspended "card_not_suspended" CONFLICT
        "The card is not suspended"
        "该证件未处于暂停状态"
        "The card is not suspended, so there is nothing to reinstate";
    DecidedAlready "decided_already" CONFLICT
        "It was decided already"
        "该申请已有决定或已过期，无法再次处理"
        "This was decided already, or is past its time";
    ChangedMeanwhile "changed_meanwhile" CONFLICT
        "Someone else changed it meanwhile"
        "内容刚被他人修改，请重新读取后再试"
        "Someone else changed it meanwhile; read it again, then try again";
    PresentationOver "presentation_over" CONFLICT
        "The presentation is over"
        "此次出示已有结果、已过期或不接受此操作，请重新发起"
        "The presentation was answered, is past its time, or does not take this; begin another";
    NotUndetermined "not_undetermined" CONFLICT
        "Only an undetermined decision is admitted by hand"
        "只有“无法判断”的结果才能人工放行；拒绝的不得放行"
        "Only who was undetermined can be admitted by hand; a refusal stands";
    AdmittedAlready "admitted_already" CONFLICT
        "It was admitted already"
        "此次出示已登记人工放行"
        "The admission by hand was recorded before";
    LastAdministrator "last_administrator" CONFLICT
        "This is the last administrator's token"
        "这是最后一个管理员令牌，不能停用；请先创建另一个"
        "This is the last administrator's token; make another before switching it off";
    EvidenceDestroyed "evidence_destroyed" GONE
        "The evidence is destroyed"
        "证据已过保存期并已销毁，任何人都无法再读取"
        "The time of this evidence is over and it is destroyed; nobody can read it any more";
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE
        "The body is too large"
        "请求正文过大"
        "The body is larger than this resource takes";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE
        "The content type or encoding is not taken here"
        "请求的 Content-Type 或 Content-Encoding 不受支持"
        "This resource does not take this Content-Type or Content-Encoding";
    RequestUsed "request_used" GONE
        "The request was fetched before"
        "此二维码或链接已被使用过一次，请在查验点重新扫码"
        "This code or link was used before; scan the code that the checkpoint shows now";
    TooOften "too_often" TOO_MANY_REQUESTS
        "Too many requests"
        "请求过于频繁，请按 Retry-After 所示的秒数等待后重试"
        "Too many requests; try again after the seconds that Retry-After names";
    TooManyConnections "too_many_connections" TOO_MANY_REQUESTS
        "Too many connections from one address"
        "同一地址的连接过多，请关闭一些后重试"
        "There are too many connections from this address; close some, then try again";
    TooManyOpen "too_many_open" TOO_MANY_REQUESTS
        "This checkpoint has too many open"
        "该检查点未结束的出示或连接过多，请先结束一些"
        "This checkpoint has too many presentations, or waits for too many; end some first";
    Internal "internal" INTERNAL_SERVER_ERROR
        "Something went wrong here"
        "服务内部错误；请将 X-Request-Id 告知管理员"
        "Something went wrong here; tell the operator the value of X-Request-Id";
    HistoryNotKept "history_not_kept" NOT_IMPLEMENTED
        "Past states of a list are not served"
        "不提供状态列表的历史版本，请去掉参数 time"
        "Past states of a list are not served; leave out the parameter `time`";
    Opening "opening" SERVICE_UNAVAILABLE
        "The records are being opened"
        "正在打开存储，核验已可用，此操作请稍候重试"
        "The records are still being opened; verification works already, this works in a moment";
    Late "late" SERVICE_UNAVAILABLE
        "This takes longer than it may"
        "处理超时，操作可能仍在进行；请先查询是否已完成，再决定是否重试"
        "This takes longer than it may and goes on; look whether it was done before you try again";
    Busy "busy" SERVICE_UNAVAILABLE
        "Too many requests wait already"
        "服务繁忙，请稍后重试"
        "Too many requests wait already; try again shortly";
    Guarded "guarded" SERVICE_UNAVAILABLE
        "The store lost data and is guarded"
        "存储曾丢失数据，服务处于保护模式；请停止服务并运行 yufu repair"
        "The store lost data it had promised to keep; stop the service and run `yufu repair`";
    ReadOnly "read_only" SERVICE_UNAVAILABLE
        "The store only reads until a restart"
        "存储出现写入故障，重启前只读；未做任何更改"
        "Writing failed and the store only reads until a restart; nothing was changed";
    OutcomeUnknown "outcome_unknown" SERVICE_UNAVAILABLE
        "Whether it was done is not known"
        "无法确认操作是否完成；请稍后先查询结果，再决定是否重试"
        "Whether it was done is not known; look whether it was before you try again";
    StoreUnavailable "store_unavailable" SERVICE_UNAVAILABLE
        "The store does not answer"
        "存储暂时不可用，未做任何更改，请稍后重试"
        "The store does not answer now; nothing was changed; try again later";
    SignerUnavailable "signer_unavailable" SERVICE_UNAVAILABLE
        "The signing key is out of reach"
        "签名密钥暂时不可用，请稍后重试"
        "The signing key is out of reach now; try again later";
    EvidenceUnreadable "evidence_unreadable" SERVICE_UNAVAILABLE
        "The evidence cannot be opened now"
        "证据密钥暂时无法读取，或与证据不符；请管理员检查密钥目录"
        "The key of this evidence cannot be read or does not fit; have the folder of keys looked at";
    NotReadyYet "not_ready_yet" SERVICE_UNAVAILABLE
        "Not ready yet"
        "内容正在准备，请稍后重试"
        "This is still being prepared; try again shortly";
}

impl Kind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        self.facts().code
    }

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        self.facts().status
    }

    /// The kinds as the table of `docs/PROBLEMS.md`.
    pub fn table() -> String {
        let row = |kind: &Self| {
            let facts = kind.facts();
            format!("| `{}` | {} | {} | {} |\n", facts.code, facts.status.as_u16(), facts.en, facts.zh)
        };
        Self::ALL.iter().map(row).collect()
    }

    /// After how many seconds the same request may be tried again; none where it would not help.
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Busy | Self::NotReadyYet | Self::Opening | Self::TooManyOpen | Self::TooManyConnections => Some(1),
            Self::Late | Self::OutcomeUnknown => Some(5),
            Self::StoreUnavailable | Self::SignerUnavailable => Some(10),
            // Somebody has to restart the service first.
            Self::ReadOnly => Some(60),
            _ => None,
        }
    }

    /// What `WWW-Authenticate` says (RFC 6750 section 3).
    pub(super) const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Unauthenticated => Some(r#"Bearer realm="yufu""#),
            Self::InvalidToken => Some(r#"Bearer realm="yufu", error="invalid_token""#),
            Self::Forbidden => Some(r#"Bearer realm="yufu", error="insufficient_scope""#),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_page_lists_every_kind_as_it_is_sent() {
        let page = include_str!("../../../docs/PROBLEMS.md");
        assert!(page.contains(&Kind::table()), "docs/PROBLEMS.md has to hold this table:\n{}", Kind::table());
    }

    #[test]
    fn every_kind_has_a_code_of_its_own_and_words_in_both_languages() {
        let codes: HashSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len(), "no two kinds share a code");
        for kind in Kind::ALL {
            let facts = kind.facts();
            assert!(!facts.zh.is_ascii() && facts.en.is_ascii() && facts.title.is_ascii(), "{}", facts.code);
            assert!(facts.status.is_client_error() || facts.status.is_server_error(), "{}", facts.code);
        }
    }
}
