//! Every bound on what a stranger can send, in one place, each with its reason.

/// Longest compact JWS read from a stranger, in bytes. A credential with a portrait of 40 kB, a chain of three
/// certificates and 60 disclosures stays under half of it.
pub const JWS_BYTES: usize = 256 * 1024;

/// Longest SD-JWT presentation, in bytes: issuer-signed JWT, disclosures and key binding together.
pub const SD_JWT_BYTES: usize = 512 * 1024;

/// Most disclosures in one SD-JWT. The largest shipped type has fewer than 40; RFC 9901 sets no bound and a verifier
/// hashes each.
pub const DISCLOSURES: usize = 256;

/// Deepest nesting of JSON. Claims are at most five deep; `serde_json` itself stops at 128.
pub const JSON_DEPTH: usize = 64;

/// Most certificates in an `x5c` header: leaf, two intermediates, and room for one more.
pub const X5C_CERTIFICATES: usize = 4;

/// Largest certificate, in bytes of DER. Post-quantum keys apart, certificates stay under 2 kB.
pub const CERTIFICATE_BYTES: usize = 8 * 1024;

/// Most verified chains of certificates that are remembered: the issuers and list keys of a country's provinces, in 220 kB
/// each where the key is Ed25519.
pub const KNOWN_CHAINS: usize = 64;

/// Entries of a status list: 2^20 as the design fixes.
pub const STATUS_LIST_ENTRIES: usize = 1 << 20;

/// Largest inflated status list accepted, in bytes: 2^20 entries of 8 bits (checklist TSL-21). A bomb of 260 kB
/// inflates to 256 MiB otherwise (THREATS F10).
pub const STATUS_LIST_INFLATED_BYTES: usize = 1 << 20;

/// Largest compressed status list accepted, in bytes of base64url. Random bytes do not compress: the inflated bound,
/// a third more for base64url, and the wrapper.
pub const STATUS_LIST_COMPRESSED_BYTES: usize = STATUS_LIST_INFLATED_BYTES * 3 / 2;

/// Longest status list token, in bytes: the list a second time in base64url, as the payload of a JWS, and the rest of a
/// token as large as any other.
pub const STATUS_LIST_TOKEN_BYTES: usize = STATUS_LIST_COMPRESSED_BYTES * 4 / 3 + JWS_BYTES;

/// Longest `ttl` of a status list, in seconds: 31 days. Who asks for more asks never to be told of a revocation.
pub const STATUS_LIST_TTL_SECONDS: i64 = 31 * 24 * 3600;

/// Longest `uri` of a status list, in bytes, as other software bounds a URL.
pub const STATUS_LIST_URI_BYTES: usize = 2048;

/// Most seconds that two honest clocks differ: the one constant for every `iat`, `nbf` and `exp` check.
pub const CLOCK_SKEW_SECONDS: i64 = 60;

/// Oldest key binding proof, in seconds: a person at a gate answers within it, a stolen proof does not live long.
pub const KEY_BINDING_AGE_SECONDS: i64 = 300;

/// Oldest proof of possession at the credential endpoint, in seconds.
pub const PROOF_AGE_SECONDS: i64 = 300;

/// Oldest DPoP proof, and oldest proof beside a wallet attestation, in seconds: each is made for one request.
pub const SENDER_PROOF_AGE_SECONDS: i64 = 300;

/// How long the identifier of such a proof is remembered, in seconds: from the earliest time at which the proof could be
/// taken, before its `iat` by clocks that differ, to the latest.
pub const SENDER_PROOF_MEMORY_SECONDS: i64 = SENDER_PROOF_AGE_SECONDS + 2 * CLOCK_SKEW_SECONDS + 1;

/// Longest DPoP proof, in bytes: a key, an address, a few identifiers and a signature stay under 1 kB.
pub const DPOP_PROOF_BYTES: usize = 8 * 1024;

/// Longest wallet attestation, in bytes: a chain of [`X5C_CERTIFICATES`] that are twice as large as any common one, in
/// base64 and again in base64url, and the claims. With a proof and a DPoP proof the headers of a request stay under half of
/// the 128 KiB that the server reads.
pub const CLIENT_ATTESTATION_BYTES: usize = 48 * 1024;

/// Largest JSON body of an administrator's or wallet's request, in bytes: a person with a portrait of 128 kB in base64.
pub const JSON_BODY_BYTES: usize = 256 * 1024;

/// Largest body of a verification request, in bytes: the presentation and its frame.
pub const VERIFICATION_BODY_BYTES: usize = SD_JWT_BYTES + 16 * 1024;

/// Most presentations verified in one call: a whole aircraft of passengers, and some tens of milliseconds of one core.
pub const VERIFICATIONS_OF_CALL: usize = 256;

/// Largest body of a call that verifies several presentations, in bytes: as many as may stand in it, each of the 4 kB that
/// a card with its chain and proof has without pictures, twice over.
pub const VERIFICATIONS_BODY_BYTES: usize = VERIFICATIONS_OF_CALL * 8 * 1024;

/// Seconds for which the status lists of others are fetched for one such call; what is not known then stays unknown, and
/// the call is answered. Twice what a single presentation may wait.
pub const VERIFICATIONS_FETCH_SECONDS: u64 = 2 * FOREIGN_FETCH_SECONDS;

/// Largest form body, in bytes: a token request is under 1 kB.
pub const FORM_BODY_BYTES: usize = 16 * 1024;

/// Largest list of ID numbers for which codes are made, in bytes: a thousand lines, with room for a column beside each.
pub const CSV_BODY_BYTES: usize = 128 * 1024;

/// Seconds in which a request body has to arrive; actix-web itself waits for ever (THREATS F11).
pub const BODY_SECONDS: u64 = 10;

/// Longest nonce or audience a caller may expect, in bytes.
pub const NONCE_BYTES: usize = 1024;

/// Most use cases that the account of a checkpoint is limited to: five are shipped, and a house with ten times as many
/// has room.
pub const ACCOUNT_USE_CASES: usize = 64;

/// Most addresses to come back to, and most origins, of one checkpoint: a checkpoint is one system.
pub const ACCOUNT_ADDRESSES: usize = 16;

/// Largest order of a presentation, in bytes: a query as large as one is read, and a boarding pass. A part of it stays in
/// memory as long as the presentation does.
pub const PRESENTATION_ORDER_BYTES: usize = 64 * 1024;

/// Longest wait of a long poll, in seconds: proxies give up on a silent line after 30 to 60.
pub const LONG_POLL_SECONDS: u64 = 25;

/// Most presentations that one checkpoint follows at once, by event stream or long poll: a few hundred gates under one
/// account, each with its own line.
pub const FOLLOWERS_OF_CHECKPOINT: usize = 512;

/// Seconds after a decision was shown in which it can be admitted by hand: an officer fetches a supervisor.
pub const ADMISSION_SECONDS: u64 = 15 * 60;

/// Most decisions of one checkpoint that can be admitted by hand at one time, the newest: about one a second within
/// [`ADMISSION_SECONDS`].
pub const ADMISSIONS_OF_CHECKPOINT: usize = 1024;

/// Seconds in which a request for a presentation is fetched, and again in which it is answered: a person unlocks the phone,
/// reads what is asked and agrees.
pub const REQUEST_SECONDS: u64 = 120;

/// Seconds after which a waiting QR code is replaced. The one before is good for as long again, for whoever was just
/// scanning it; a photograph of it is of no use to anybody after a minute.
pub const REQUEST_ROTATION_SECONDS: u64 = 30;

/// Seconds for which a presentation that nobody answered is still shown as expired, before it is unknown.
pub const EXPIRED_SHOWN_SECONDS: u64 = 60;

/// Seconds for which a response may be examined beyond the time of its request: the status lists of others are fetched
/// meanwhile, which has bounds of its own.
pub const EXAMINATION_SECONDS: u64 = 60;

/// Wrong response codes after which a result is destroyed (OpenID4VP 1.0 section 14.3). A code has 128 bits, so these are no
/// guesses that could succeed but somebody else's page.
pub const RESPONSE_CODE_TRIES: u8 = 5;

/// Most presentations of one checkpoint that are open or have a result at hand: an airport that has one account and a new
/// passenger every second at each of a few gates.
pub const OPEN_PRESENTATIONS_OF_CHECKPOINT: usize = 1_000;

/// Most presentations in all. One without a result takes some kilobytes.
pub const OPEN_PRESENTATIONS: usize = 10_000;

/// Most bytes of answers whose results are at hand, in all: room for two thousand with portraits of [`PORTRAIT_BYTES`].
/// Who answers beyond it is told to try again, and the request stays open.
pub const PRESENTATION_RESULT_BYTES: usize = 256 * 1024 * 1024;

/// Most entries of `transaction_data` in one request: a person reads each.
pub const TRANSACTION_DATA_ENTRIES: usize = 4;

/// Longest entry of `transaction_data`, in bytes of base64url: a page of text.
pub const TRANSACTION_DATA_BYTES: usize = 8 * 1024;

/// Longest request for a credential that is encrypted, in bytes: the largest JSON in base64url, and the header.
pub const ENCRYPTED_REQUEST_BYTES: usize = JSON_BODY_BYTES * 4 / 3 + JWE_HEADER_BYTES;

/// Longest time for which a card that was asked for waits for an officer, in seconds: 30 days, as the offices have.
pub const DEFERRED_SECONDS: i64 = 30 * 24 * 3600;

/// Seconds after which a wallet is told to ask again for a card that waits: an officer reads before deciding.
pub const DEFERRED_INTERVAL_SECONDS: u32 = 30;

/// Most notices of wallets that a card remembers: accepted, deleted, and room for a few more fetches.
pub const CARD_NOTICES: usize = 16;

/// Copies of one card fetched in one request (batch).
pub const BATCH_SIZE: usize = 10;

/// Largest portrait, in bytes of its data URI.
pub const PORTRAIT_BYTES: usize = 128 * 1024;

/// Longest note of an operator on a change of a card, in bytes: a paragraph in either language.
pub const NOTE_BYTES: usize = 4 * 1024;

/// Largest signed note, in bytes: the C2SP specification asks verifiers to accept 16 signatures, and names 5 kB as the
/// size of a post-quantum one.
pub const SIGNED_NOTE_BYTES: usize = 128 * 1024;

/// Oldest good status that a decision rests on unless a checkpoint says otherwise, in seconds: a status list lives that
/// long, so one that may be used is never too old by this rule alone.
pub const STATUS_AGE_SECONDS: i64 = 24 * 3600;

/// Longest access token read, in bytes: ours name one offer and a few configurations, and stay under 1 kB.
pub const ACCESS_TOKEN_BYTES: usize = 4 * 1024;

/// Most hashes in an inclusion proof: a tree whose size fits into 64 bits has no more levels.
pub const INCLUSION_PROOF_HASHES: usize = 64;

/// Longest protected header of a JWE, in base64url: an ephemeral key, identifiers and two party infos stay under 1 kB.
pub const JWE_HEADER_BYTES: usize = 4 * 1024;

/// Longest `vp_token` and content of an encrypted response, in bytes: two presentations of the largest size.
pub const VP_TOKEN_BYTES: usize = 2 * SD_JWT_BYTES;

/// Most presentations looked at in one response: each costs signatures, and a query asks for no more credentials.
pub const PRESENTATIONS: usize = DCQL_CREDENTIALS;

/// Longest authorization response, in bytes: the content of a JWE in base64url and its header. A response in the clear
/// has its quotation marks escaped and fits as well.
pub const RESPONSE_BODY_BYTES: usize = VP_TOKEN_BYTES * 4 / 3 + 2 * JWE_HEADER_BYTES;

/// Longest signed statement read, in bytes: the claims of a response twice, since a statement names the credential that
/// decided on its own and among all, in base64url.
pub const SIGNED_STATEMENT_BYTES: usize = 2 * VP_TOKEN_BYTES * 4 / 3 + X5C_CERTIFICATES * CERTIFICATE_BYTES * 2;

/// Longest `state` read back, in bytes: ours have 43 characters.
pub const STATE_BYTES: usize = 256;

/// Longest `wallet_nonce`, in bytes: it is signed as it came, and a hash is a quarter as long.
pub const WALLET_NONCE_BYTES: usize = 256;

/// Longest boarding pass read, in characters: Resolution 792 fills 158 for one leg and about 390 for four, and 600 leaves
/// room for what airlines add for themselves and for a signature. A bar code that a telephone shows holds no more.
pub const BOARDING_PASS_BYTES: usize = 600;

/// The local civil time at the gates, seconds ahead of UTC: China Standard Time, the whole country, all year.
pub const LOCAL_TIME_OFFSET_SECONDS: i64 = 8 * 3600;

/// How long before its day of departure a pass passes a gate that was not told the flight: who flies after midnight goes
/// through security in the evening before, at most six hours ahead.
pub const BOARDING_BEFORE_DAY_SECONDS: i64 = 6 * 3600;

/// How long after its day of departure: the last flights of an evening leave late in the night when they are delayed.
pub const BOARDING_AFTER_DAY_SECONDS: i64 = 6 * 3600;

/// Most characters of a disclosed name that are compared with a boarding pass, which holds 20; longer than any name of the
/// register, and enough that what is left out cannot make two names agree.
pub const BOARDING_NAME_CHARACTERS: usize = 128;

/// Seconds for which a result stays in memory unless a use case says otherwise: an officer has looked at it by then.
pub const RESULT_SECONDS_DEFAULT: i64 = 120;

/// Most seconds for which a use case may keep a result in memory: the time of one passenger at a slow counter.
pub const RESULT_SECONDS: i64 = 900;

/// Most days for which a use case may keep evidence: a year, after which a dispute about one check is over.
pub const EVIDENCE_DAYS: u16 = 366;

/// Longest presentation shown as QR codes, in bytes: a card with its chain and proof, and without pictures, has about 4 kB.
pub const PRESENTATION_QR_BYTES: usize = 16 * 1024;

/// Most QR codes that a presentation is shown as: a camera that reads three a second has them all in ten seconds.
pub const PRESENTATION_QR_FRAMES: usize = 32;

/// Most characters of one of them: what QR version 15 holds at error correction level M in its alphanumeric mode (ISO/IEC
/// 18004 table 7), 77 modules wide, which a telephone's camera reads off another's screen.
pub const PRESENTATION_QR_FRAME_CHARACTERS: usize = 600;

/// Life of the code that a gate shows, in seconds, after which it shows another: the time to point a camera at it. The one
/// before is still good, for a person who has just read it.
pub const SHOWN_CODE_SECONDS: i64 = 30;

/// Oldest presentation shown as QR codes that was made without a gate's code, in seconds: the time to show it, and short
/// for a photograph to be carried to another gate.
pub const SHOWN_WITHOUT_CODE_SECONDS: i64 = 60;

/// How long a presentation shown as QR codes is remembered so that it is not taken twice, in seconds: from the earliest
/// time at which its proof could be taken, before its `iat` by clocks that differ, to the latest.
pub const SHOWN_MEMORY_SECONDS: u64 = (KEY_BINDING_AGE_SECONDS + CLOCK_SKEW_SECONDS + 1).unsigned_abs();

/// Most presentations shown as QR codes that are remembered: 32 bytes each, and some hundred gates with a person every
/// second.
pub const SHOWN_MEMORY: usize = 1 << 16;

/// Most of them of one checkpoint: five a second, so that one alone cannot fill the memory of all.
pub const SHOWN_MEMORY_OF_CHECKPOINT: usize = 2048;

/// Largest body of a decision on QR codes, in bytes: every frame, each with its quotation marks, a boarding pass, and room
/// for some that the camera saw twice.
pub const SHOWN_BODY_BYTES: usize = 2 * PRESENTATION_QR_FRAMES * PRESENTATION_QR_FRAME_CHARACTERS;

/// Most credentials a query asks for: a driver shows two, and a query of sixteen still fits a request object.
pub const DCQL_CREDENTIALS: usize = 16;

/// Most claims asked of one credential: the largest shipped type has fewer than 40.
pub const DCQL_CLAIMS: usize = 64;

/// Most sets, and options of a set, in a query.
pub const DCQL_SETS: usize = 16;

/// Most values, types or authorities in one list of a query.
pub const DCQL_VALUES: usize = 64;

/// Most steps of a claims path pointer: claims are at most five deep.
pub const DCQL_PATH_ELEMENTS: usize = 16;

/// Longest text in a query, in bytes: the longest are addresses, as [`STATUS_LIST_URI_BYTES`] bounds them.
pub const DCQL_TEXT_BYTES: usize = 2048;

/// Redirects followed when a stranger's address is fetched: one to another host and one to another path, and one more.
pub const FOREIGN_REDIRECTS: usize = 3;

/// Seconds for a whole fetch from a stranger, every redirect included: a passenger at the gate waits that long and no
/// longer.
pub const FOREIGN_FETCH_SECONDS: u64 = 3;

/// Seconds of these for one connection with its TLS handshake, so that of several addresses a second one gets its turn.
pub const FOREIGN_CONNECT_SECONDS: u64 = 2;

/// Fetches from strangers under way at once: each holds a thread and a body.
pub const FOREIGN_FETCHES: usize = 16;

/// Names being looked up at once for strangers' addresses: the system's resolver cannot be told to stop, so lookups outlive
/// a fetch that gave up.
pub const FOREIGN_LOOKUPS: usize = 32;

/// Largest header block of a stranger's answer, in bytes: ours are under 1 kB, a cautious proxy adds 4 kB.
pub const FOREIGN_HEADER_BYTES: usize = 16 * 1024;

/// Status lists of others in memory: those of a country of 1.4 billion cards of one type, doubled (DESIGN section 7).
pub const FOREIGN_LISTS: usize = 4 * 1024;

/// Bytes of others' lists in memory, unpacked: a thousand lists of 2^20 entries of 2 bits.
pub const FOREIGN_LIST_BYTES: usize = 256 * 1024 * 1024;

/// Lists of others of which the newest `iat` is remembered after the list itself was dropped: 48 bytes each.
pub const FOREIGN_LIST_MEMORIES: usize = 64 * 1024;

/// Longest time for which a list of another is used without asking for a newer one, in seconds, whatever its `ttl` says:
/// half of [`STATUS_AGE_SECONDS`], so a list whose issuer still signs is never too old for the default policy.
pub const FOREIGN_TTL_SECONDS: i64 = STATUS_AGE_SECONDS / 2;

/// Shortest such time, in seconds: an issuer cannot make a gate ask it for every passenger.
pub const FOREIGN_TTL_LEAST_SECONDS: i64 = 10;

/// That time for a list that states neither `ttl` nor `exp`, in seconds: the `ttl` of our own lists.
pub const FOREIGN_TTL_UNSTATED_SECONDS: i64 = 300;

/// Seconds for which a list that could not be had is not asked for again; doubled with each failure in a row.
pub const FOREIGN_RETRY_SECONDS: i64 = 5;

/// Longest such time, in seconds: a host that is back is found again within a minute.
pub const FOREIGN_RETRY_MOST_SECONDS: i64 = 60;

/// Callers that may wait at once for a list that another caller fetches: with [`FOREIGN_FETCHES`] three quarters of the
/// calls that the blocking pool runs, so that cards are issued and revoked while a host is slow.
pub const FOREIGN_WAITING: usize = 32;

/// Trust lists in a folder of keys: a country's ministries, provinces and a few other countries.
pub const TRUST_LISTS: usize = 256;
