//! Why a statement decides as it does: stable codes, each with its decision, who can fix it, and words for people.
//!
//! The codes are an interface: scripts branch on them, and evidence keeps them. One that was published keeps its name
//! and its meaning. `docs/REASONS.md` lists them all; a test holds the page to this table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// The outcome. "Could not tell" is an outcome of its own and never lets anybody pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Every check that was asked for passed.
    Accepted,
    /// A check failed.
    Refused,
    /// Nothing failed, but something that has to be known is not.
    Undetermined,
}

impl Decision {
    /// The name in a statement.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoCanFix {
    /// The person who presents, with the wallet.
    Holder,
    /// The authority that issues the card.
    Issuer,
    /// The checkpoint, its equipment or its settings.
    Checkpoint,
    /// Nobody: there is nothing to fix.
    Nobody,
}

impl WhoCanFix {
    /// The name in a statement.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Issuer => "issuer",
            Self::Checkpoint => "checkpoint",
            Self::Nobody => "nobody",
        }
    }
}

/// Words for people, in every language of the service, by language tag (BCP 47).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// Chinese, simplified.
    #[serde(rename = "zh-CN")]
    pub zh_cn: String,
    /// English.
    pub en: String,
}

macro_rules! reasons {
    ($($variant:ident = $name:literal, $decision:ident, $who:ident, $zh:literal, $en:literal;)*) => {
        /// A reason, by its stable name.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum ReasonCode {
            $(#[doc = $en] #[serde(rename = $name)] $variant,)*
        }

        impl ReasonCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in a statement.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What is decided for this reason.
            pub const fn decision(self) -> Decision {
                match self { $(Self::$variant => Decision::$decision),* }
            }

            /// Who can do something about it.
            pub const fn who_can_fix(self) -> WhoCanFix {
                match self { $(Self::$variant => WhoCanFix::$who),* }
            }

            /// What is wrong and what to do, in Chinese.
            pub const fn zh_cn(self) -> &'static str {
                match self { $(Self::$variant => $zh),* }
            }

            /// What is wrong and what to do, in English.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),* }
            }
        }
    };
}

reasons! {
    Accepted = "accepted", Accepted, Nobody,
        "证件有效，可以放行。",
        "The card is good. Let the holder pass.";
    PresentationTooLarge = "presentation_too_large", Refused, Holder,
        "出示的数据超过允许的大小。请持证人用电子证件应用重新出示，只出示所要求的内容。",
        "The presentation is larger than allowed. Ask the holder to present again, only what is asked for.";
    PresentationMalformed = "presentation_malformed", Refused, Holder,
        "出示的数据不完整或格式不对。请持证人重新出示；仍不行时请更新电子证件应用。",
        "What was presented is incomplete or not a credential. Ask the holder to present again; if it stays so, to update the wallet app.";
    TokenTypeWrong = "token_type_wrong", Refused, Holder,
        "出示的是另一种令牌，不是电子证件。请持证人从电子证件应用出示证件。",
        "This is another kind of token, not a credential. Ask the holder to present the card from the wallet app.";
    HeaderNotAccepted = "header_not_accepted", Refused, Issuer,
        "证件头部含有不允许的内容。不要放行；请通知发证机关。",
        "The header of the credential holds something that is not allowed. Do not let pass; tell the issuing authority.";
    AlgorithmNotAllowed = "algorithm_not_allowed", Refused, Issuer,
        "证件的签名算法不被允许。不要放行；请通知发证机关。",
        "The credential is signed with an algorithm that is not allowed. Do not let pass; tell the issuing authority.";
    IssuerNotTrusted = "issuer_not_trusted", Refused, Checkpoint,
        "发证方不在信任名单中。若该机关应被信任，请查验点管理员添加其根证书；否则不要放行。",
        "The issuer is not on the trust list. If it should be, have the checkpoint's administrator add its root certificate; otherwise do not let pass.";
    IssuerCertificateExpired = "issuer_certificate_expired", Refused, Issuer,
        "发证方的签名证书不在有效期内。请持证人在应用中更新证件；并核对查验设备的时间。",
        "The issuer's signing certificate is outside its validity. Ask the holder to renew the card in the wallet app, and check this device's clock.";
    IssuerMismatch = "issuer_mismatch", Refused, Issuer,
        "证件所写的发证方与签名证书不一致。不要放行；请通知发证机关。",
        "The issuer named in the credential is not the one of the signing certificate. Do not let pass; tell the issuing authority.";
    IssuerSignatureInvalid = "issuer_signature_invalid", Refused, Nobody,
        "发证方签名无效：证件被改动过或是伪造的。不要放行。",
        "The issuer's signature is not valid: the credential was altered or forged. Do not let pass.";
    DisclosureInvalid = "disclosure_invalid", Refused, Holder,
        "出示的信息与发证方签名不符。不要放行；请持证人用正规应用重新出示。",
        "What is disclosed does not agree with what the issuer signed. Do not let pass; ask the holder to present again with a proper wallet app.";
    ClaimInvalid = "claim_invalid", Refused, Issuer,
        "证件缺少必需的内容，或其写法不对。请持证人在应用中更新证件。",
        "The credential lacks something it has to say, or says it wrongly. Ask the holder to renew the card in the wallet app.";
    TypeNotAccepted = "type_not_accepted", Refused, Holder,
        "此处不接受这种证件。请持证人出示所要求的证件。",
        "This type of card is not accepted here. Ask the holder for the card that is required.";
    CredentialNotYetValid = "credential_not_yet_valid", Refused, Nobody,
        "证件尚未生效。请在生效日期之后再出示；并核对查验设备的时间。",
        "The card is not valid yet. It can be presented from its first day on; check this device's clock too.";
    CredentialExpired = "credential_expired", Refused, Holder,
        "证件已过期。请持证人在应用中更新证件后重新出示。",
        "The card has expired. Ask the holder to renew it in the wallet app and present again.";
    HolderBindingMissing = "holder_binding_missing", Refused, Holder,
        "没有证明出示人就是持证人。请持证人用自己的电子证件应用出示，不接受截图或副本。",
        "There is no proof that the person who presents holds the card. Ask for a presentation from the holder's own wallet app; copies are not accepted.";
    HolderBindingUnexpected = "holder_binding_unexpected", Refused, Checkpoint,
        "出示中带有持有证明，但查验点没有要求。请带随机数和查验点名称重新查验。",
        "The presentation carries a proof of possession that was not asked for. Verify it with its nonce and audience.";
    HolderBindingInvalid = "holder_binding_invalid", Refused, Holder,
        "持有证明无效：它不属于此证件或此次出示。不要放行；请持证人用自己的手机重新出示。",
        "The proof of possession is not valid: it does not belong to this card or this presentation. Do not let pass; ask the holder to present again from the own phone.";
    HolderBindingExpired = "holder_binding_expired", Refused, Holder,
        "持有证明太旧或时间在未来。请持证人重新出示；并核对手机和查验设备的时间。",
        "The proof of possession is too old or dated in the future. Ask the holder to present again; check the clocks of phone and checkpoint.";
    NonceMismatch = "nonce_mismatch", Refused, Holder,
        "这次出示不是对本次查验的回答（可能是重放）。请持证人重新扫码出示。",
        "This presentation does not answer this request; it may be a replay. Ask the holder to scan and present again.";
    AudienceMismatch = "audience_mismatch", Refused, Holder,
        "这次出示是给另一个查验点的。请持证人在此重新扫码出示。",
        "This presentation was made for another checkpoint. Ask the holder to scan and present again here.";
    StatusMissing = "status_missing", Refused, Issuer,
        "证件没有写明在哪里查询状态，而此处要求查询。请持证人在应用中更新证件。",
        "The credential does not say where its status stands, which is required here. Ask the holder to renew the card in the wallet app.";
    StatusNotUnderstood = "status_not_understood", Refused, Issuer,
        "证件的状态信息无法理解。不要放行；请通知发证机关。",
        "The status of the credential is written in a way that is not understood. Do not let pass; tell the issuing authority.";
    StatusUnavailable = "status_unavailable", Undetermined, Checkpoint,
        "现在查不到证件状态，不能判断。请稍后重试；急需时请用其他证件人工核对。",
        "The status of the card cannot be found out now. Try again in a moment; if it cannot wait, check another document by hand.";
    StatusTooOld = "status_too_old", Undetermined, Checkpoint,
        "所知的证件状态太旧，不能判断。请更新状态列表后重试。",
        "What is known of the card's status is too old. Update the status lists and try again.";
    StatusTooOldRefused = "status_too_old_refused", Refused, Checkpoint,
        "所知的证件状态太旧，按此查验点的规定不予放行。请更新状态列表后重试。",
        "What is known of the card's status is too old, which this checkpoint's policy refuses. Update the status lists and try again.";
    CredentialRevoked = "credential_revoked", Refused, Nobody,
        "证件已被吊销，不会恢复。不要放行；持证人可向发证机关申请新证件。",
        "The card was revoked for good. Do not let pass; the holder can apply to the issuing authority for a new one.";
    CredentialSuspended = "credential_suspended", Refused, Issuer,
        "证件已被暂停使用。不要放行；持证人可向发证机关申请恢复。",
        "The card is suspended. Do not let pass; the holder can ask the issuing authority to reinstate it.";
    NotIssuedByUs = "not_issued_by_us", Refused, Issuer,
        "发证记录中没有这张证件，它可能是伪造的。不要放行；请立即通知发证机关。",
        "There is no record that this card was ever issued; it may be forged. Do not let pass; tell the issuing authority at once.";
    QueryNotAnswered = "query_not_answered", Refused, Holder,
        "没有出示所要求的全部证件。请持证人按手机上的提示重新出示。",
        "Not everything that was asked for was presented. Ask the holder to present again what the wallet app lists.";
    ClaimsMissing = "claims_missing", Refused, Holder,
        "出示中缺少所要求的信息。请持证人重新出示，并同意提供所列信息。",
        "Information that was asked for is missing. Ask the holder to present again and to agree to what is listed.";
    ClaimValueMismatch = "claim_value_mismatch", Refused, Nobody,
        "证件上的内容不符合此处的条件。不要放行。",
        "What the card says does not meet the condition asked for here. Do not let pass.";
    IssuerNotAskedFor = "issuer_not_asked_for", Refused, Holder,
        "证件不是由此处认可的机关签发的。请持证人出示所列机关签发的证件。",
        "The card was not issued by one of the authorities asked for. Ask the holder for a card of the authorities listed.";
    TransactionDataMismatch = "transaction_data_mismatch", Refused, Holder,
        "持证人没有确认此次办理的内容。请持证人重新出示并确认。",
        "The holder did not confirm the transaction that was shown. Ask the holder to present again and to confirm it.";
    ResponseMalformed = "response_malformed", Refused, Holder,
        "手机的回答无法读取。请持证人重新扫码出示；仍不行时请更新电子证件应用。",
        "The wallet's answer cannot be read. Ask the holder to scan and present again; if it stays so, to update the wallet app.";
    DeclinedByHolder = "declined_by_holder", Refused, Holder,
        "持证人没有同意出示。可请持证人重新扫码，或用其他证件人工核对。",
        "The holder did not agree to present. The holder can scan again, or show another document to be checked by hand.";
    WalletError = "wallet_error", Refused, Holder,
        "持证人的应用没有合适的证件，或不能回答这次查验。请用其他证件人工核对。",
        "The wallet app has no fitting card, or cannot answer this request. Check another document by hand.";
    PresentationReplayed = "presentation_replayed", Refused, Holder,
        "这个出示码已经用过一次，可能是翻拍。请持证人现场重新生成出示码。",
        "This code was shown before; it may be a copy. Ask the holder to make a new one here and now.";
    ShownWithoutRequest = "shown_without_request", Undetermined, Checkpoint,
        "出示码不是为此查验点生成的，不能证明是现场出示。请核对照片和本人，或请持证人扫描此处的短时码后重新生成。",
        "The code was not made for this gate, so it does not prove that it was made here. Compare the face with the portrait of a document, or have the holder scan this gate's code and make a new one.";
    NotSamePerson = "not_same_person", Refused, Nobody,
        "几张证件不是同一个人的。不要放行。",
        "The cards do not belong to one person. Do not let pass.";
    SamePersonUnknown = "same_person_unknown", Undetermined, Holder,
        "无法确认几张证件属于同一个人。请持证人重新出示并提供证件号码，或人工核对。",
        "Whether the cards belong to one person cannot be told. Ask the holder to present again with the ID number, or check by hand.";
    BoardingPassMismatch = "boarding_pass_mismatch", Refused, Checkpoint,
        "登机牌与此人、航班或日期不符。不要放行；请核对是否拿错登机牌，或请旅客到值机柜台。",
        "The boarding pass does not belong to this person, flight or date. Do not let pass; see whether passes were mixed up, or send the passenger to the check-in desk.";
    BoardingPassPartialMatch = "boarding_pass_partial_match", Undetermined, Checkpoint,
        "登机牌与证件大致相符，但有出入。请人工核对所列差异后决定。",
        "The boarding pass agrees with the card only in part. Check the differences listed by hand, then decide.";
    BoardingPassUnreadable = "boarding_pass_unreadable", Refused, Checkpoint,
        "登机牌条码缺失或无法读取。请重新扫描登机牌。",
        "The bar code of the boarding pass is missing or cannot be read. Scan the boarding pass again.";
}

impl ReasonCode {
    /// The words for people.
    pub fn message(self) -> Message {
        Message { zh_cn: self.zh_cn().to_owned(), en: self.en().to_owned() }
    }

    /// The table of `docs/REASONS.md`.
    pub fn table() -> String {
        let mut by_decision: BTreeMap<Decision, Vec<Self>> = BTreeMap::new();
        Self::ALL.iter().for_each(|code| by_decision.entry(code.decision()).or_default().push(*code));
        let mut text = String::from("| code | decision | who can fix it | English | 中文 |\n|---|---|---|---|---|\n");
        for code in by_decision.into_values().flatten() {
            let (decision, who) = (code.decision().name(), code.who_can_fix().name());
            text.push_str(&format!("| `{}` | {decision} | {who} | {} | {} |\n", code.name(), code.en(), code.zh_cn()));
        }
        text
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_lists_every_code() {
        let page = include_str!("../../docs/REASONS.md");
        assert!(page.contains(&ReasonCode::table()), "docs/REASONS.md has to hold this table:\n{}", ReasonCode::table());
    }

    #[test]
    fn codes_are_distinct_words_and_messages_differ() {
        let names: BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.name()).collect();
        let english: BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.en()).collect();
        let chinese: BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.zh_cn()).collect();
        assert_eq!(
            (names.len(), english.len(), chinese.len()),
            (ReasonCode::ALL.len(), ReasonCode::ALL.len(), ReasonCode::ALL.len())
        );
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            let read: ReasonCode = serde_json::from_value(name.into()).expect("a name reads back");
            assert_eq!(serde_json::to_value(read).expect("a code is JSON"), name);
        }
    }

    #[test]
    fn only_one_code_lets_pass() {
        let passing: Vec<_> = ReasonCode::ALL.iter().filter(|code| code.decision() == Decision::Accepted).collect();
        assert_eq!(passing, [&ReasonCode::Accepted]);
    }
}
