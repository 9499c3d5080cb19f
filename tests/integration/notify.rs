//! Others are told of incidents: at least once, under one id, in their order, whatever they answer.

use crate::fixture::daemon::{Home, PATIENCE};
use crate::fixture::pki::{Pki, server_config};
use crate::fixture::receiver::{ENDLESS, OK, Receiver};
use crate::incidents::{Door, incident};

/// 32 bytes.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn webhook(receiver: &Receiver, more: &str) -> String {
    format!(
        "[[notify]]\nname = \"ops\"\nwebhook = \"http://{}/in?x=1\"\n\
         secret = [{{ file = \"secret\" }}, {{ file = \"secret\" }}]\n\
         external-url = \"https://watch.test\"\n{more}",
        receiver.address
    )
}

async fn home(door: &Door, receiver: &Receiver) -> Home {
    let home = Home::new(&door.config(&webhook(receiver, "")));
    std::fs::write(home.path().join("secret"), SECRET).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_told_of_until_it_is_taken() {
    let door = Door::open().await;
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
    let broken = "HTTP/1.1 500 \x1b[2J\r\nContent-Length: 0\r\n\r\n";
    let mut receiver = Receiver::answering(&[broken, busy, moved, OK]).await;
    let home = home(&door, &receiver).await;
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    door.shut(true);
    let first = receiver.next().await;
    assert!(first.head.starts_with("POST /in?x=1 HTTP/1.1\r\n"), "{}", first.head);
    let body = first.json();
    assert_eq!(
        (&body["type"], &body["data"]["endpoint"]),
        (&"incident.opened".into(), &"door".into())
    );
    assert_eq!(first.header("webhook-signature").split(' ').count(), 2);
    // What comes of it later waits for its turn.
    door.shut(false);
    for _ in 0..3 {
        let again = receiver.next().await;
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(again.body, first.body);
    }
    let closed = receiver.next().await;
    assert_eq!(closed.json()["type"], "incident.closed");
    assert_ne!(closed.header("webhook-id"), first.header("webhook-id"));
    daemon.metrics_until("an empty queue", PATIENCE, |page| {
        page.contains("watchpost_notifications_total{target=\"ops\",result=\"sent\"} 2\n")
            && page.contains("watchpost_notifications_total{target=\"ops\",result=\"retried\"} 3\n")
            && page.contains("watchpost_notifications_queue_length{target=\"ops\"} 0\n")
    });
    let id = incident(&daemon, false)["id"].as_str().unwrap().to_owned();
    let detail = daemon.get(&format!("/api/v1/incidents/{id}"));
    assert!(
        detail.contains("\"kind\":\"notified\",\"target\":\"ops\",\"event\":\"incident.closed\"")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_kill() {
    let door = Door::open().await;
    // Taken in, and never answered.
    let mut receiver = Receiver::answering(&[""]).await;
    let home = home(&door, &receiver).await;
    let mut daemon = home.start();
    daemon.wait_for_line("result=success");
    door.shut(true);
    let first = receiver.next().await;
    daemon.signal("KILL");
    daemon.wait();
    let daemon = home.start();
    let again = receiver.next().await;
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
    // Probes do not wait for it.
    door.shut(false);
    assert_eq!(receiver.next().await.json()["type"], "incident.closed");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_is_sent_nothing_until_a_reload() {
    let door = Door::open().await;
    let gone = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    let mut receiver = Receiver::answering(&[gone]).await;
    let home = home(&door, &receiver).await;
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    door.shut(true);
    let first = receiver.next().await;
    daemon.wait_for_line("410");
    door.shut(false);
    incident(&daemon, false);
    daemon.metrics_until("two wait", PATIENCE, |page| {
        page.contains("watchpost_notifications_queue_length{target=\"ops\"} 2\n")
            && page.contains("watchpost_notifications_total{target=\"ops\",result=\"gone\"} 1\n")
    });
    daemon.post("/-/reload", "Content-Length: 0\r\n");
    assert_eq!(receiver.next().await.body, first.body);
    assert_eq!(receiver.next().await.json()["type"], "incident.closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_one() {
    let door = Door::open().await;
    let mut receiver = Receiver::answering(&[ENDLESS]).await;
    let home = home(&door, &receiver).await;
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    door.shut(true);
    assert_eq!(receiver.next().await.json()["type"], "incident.opened");
    door.shut(false);
    assert_eq!(receiver.next().await.json()["type"], "incident.closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_to_whom_the_ca_file_vouches_for() {
    let door = Door::open().await;
    let (ours, theirs) = (Pki::new("ours"), Pki::new("theirs"));
    let served = |pki: &Pki| server_config(pki.authority.issue(&["localhost"], -10, 80).unwrap());
    let mut known = Receiver::over_tls(served(&ours)).await;
    let stranger = Receiver::over_tls(served(&theirs)).await;
    let table = |name: &str, receiver: &Receiver| {
        format!(
            "[[notify]]\nname = \"{name}\"\nwebhook = \"https://localhost:{}/in\"\n\
             secret = {{ file = \"secret\" }}\nca-file = \"{}\"\n",
            receiver.address.port(),
            ours.ca_file().display()
        )
    };
    let tables = table("known", &known) + &table("stranger", &stranger);
    let home = Home::new(&door.config(&tables));
    std::fs::write(home.path().join("secret"), SECRET).unwrap();
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    door.shut(true);
    assert_eq!(known.next().await.json()["type"], "incident.opened");
    daemon.metrics_until("a stranger", PATIENCE, |page| {
        page.contains("watchpost_notifications_total{target=\"known\",result=\"sent\"} 1\n")
            && !page.contains("{target=\"stranger\",result=\"retried\"} 0\n")
    });
    assert!(stranger.is_empty());
}
