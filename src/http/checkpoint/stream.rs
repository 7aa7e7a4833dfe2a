//! A presentation as a stream of events (HTML Living Standard section 9.2): `request` with each new QR code, `fetched`,
//! `result`, `expired`. The stream ends with one of the last two.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    rt,
    web::Bytes,
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout,
};

use super::{
    follow::{Follower, Step},
    view::Shower,
};
use crate::verification::presentation::Phase;

/// Quiet seconds after which a sign of life is sent: proxies give up on a line after 30 to 60.
const SIGN_OF_LIFE: u32 = 15;

/// Events that wait for a slow reader.
const WAITING: usize = 4;

/// How long a reader may not read before the stream ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// The answer that follows a presentation.
pub(super) fn answer(follower: Follower, shower: Shower) -> HttpResponse {
    let (sender, receiver) = mpsc::channel(WAITING);
    rt::spawn(tell(follower, shower, sender));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        // Asks proxies that gather answers not to.
        .insert_header(("x-accel-buffering", "no"))
        .body(Events(receiver))
}

/// Sends what happens until it is over, the checkpoint is switched off, the service stops, or nobody reads any more.
async fn tell(mut follower: Follower, shower: Shower, sender: Sender<Bytes>) {
    let mut quiet = 0;
    let mut step = Step::Changed;
    loop {
        let text = match step {
            Step::Changed => {
                let Ok((view, revision)) = follower.look() else { return };
                let is_final = matches!(view.phase, Phase::Answered | Phase::Expired);
                let event = event_of(view.phase);
                let data = shower.document(view, revision);
                let sent = send(&sender, format!("event: {event}\nid: {revision}\ndata: {data}\n\n")).await;
                if is_final || !sent {
                    return;
                }
                quiet = 0;
                None
            }
            Step::Quiet => {
                quiet += 1;
                (quiet % SIGN_OF_LIFE == 0).then_some(":\n\n")
            }
            Step::Closing | Step::SwitchedOff => return,
        };
        if let Some(text) = text
            && !send(&sender, text.to_owned()).await
        {
            return;
        }
        if sender.is_closed() {
            return;
        }
        step = follower.step().await;
    }
}

const fn event_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "request",
        Phase::Fetched => "fetched",
        Phase::Answered => "result",
        Phase::Expired => "expired",
    }
}

async fn send(sender: &Sender<Bytes>, text: String) -> bool {
    matches!(timeout(PATIENCE, sender.send(Bytes::from(text))).await, Ok(Ok(())))
}

/// The body: what was sent, as it comes.
struct Events(Receiver<Bytes>);

impl MessageBody for Events {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_recv(context).map(|text| text.map(Ok))
    }
}
