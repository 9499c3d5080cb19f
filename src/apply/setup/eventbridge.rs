//! Amazon EventBridge: a connection, an API destination, a rule.

use std::fmt;

use serde_json::{Value, json};

use super::{ANSWER_WITHIN_SECONDS, Setup, Shows};

/// The name of everything that is made at AWS.
const NAME: &str = "watchpost-genesys";

/// Events a second that an API destination sends where it is told nothing.
const USUAL_RATE: u32 = 300;

/// How long and how often AWS tries again: as much as it can.
const RETRY_SECONDS: u32 = 86_400;
const RETRIES: u32 = 185;

pub(super) fn json(setup: &Setup) -> Value {
    json!({
        "via": "eventbridge",
        "receiver": &*setup.receiver,
        "topics": setup.topics,
        "connection": connection(setup),
        "api_destination": {
            "Name": NAME,
            "InvocationEndpoint": setup.address.to_string(),
            "HttpMethod": "POST",
            "InvocationRateLimitPerSecond": rate(setup),
        },
        "rule": { "Name": NAME, "EventPattern": pattern(setup) },
        "target": { "RetryPolicy": retry() },
        "answer_within_seconds": ANSWER_WITHIN_SECONDS,
    })
}

pub(super) fn words(setup: &Setup, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Setup { receiver, address, .. } = setup;
    writeln!(
        f,
        "Events come to {receiver} by Amazon EventBridge. Nothing of this is made here:\n"
    )?;
    writeln!(
        f,
        "1. Genesys Cloud, Admin > Integrations: Amazon EventBridge Source, with these topics,"
    )?;
    writeln!(f, "   written so, with {{id}} in them:")?;
    for topic in &setup.topics {
        writeln!(f, "     {topic}")?;
    }
    writeln!(
        f,
        "2. AWS, Amazon EventBridge > Partner event sources: associate it with an event bus, BUS."
    )?;
    writeln!(f, "3. A connection, with {}:", told(&setup.shows))?;
    writeln!(f, "     aws events create-connection --cli-input-json '{}'", connection(setup))?;
    writeln!(f, "4. An API destination, with the ARN that step 3 printed:")?;
    writeln!(
        f,
        "     aws events create-api-destination --name {NAME} --connection-arn CONNECTION \\\n       \
         --invocation-endpoint '{address}' --http-method POST \\\n       \
         --invocation-rate-limit-per-second {}",
        rate(setup)
    )?;
    writeln!(
        f,
        "5. A rule, and its target, with the ARN of step 4, a role that may invoke it, and a"
    )?;
    writeln!(f, "   queue for what could not be delivered. Do not transform the input:")?;
    writeln!(
        f,
        "     aws events put-rule --name {NAME} --event-bus-name BUS --event-pattern '{}'",
        pattern(setup)
    )?;
    let target = json!([{ "Id": NAME, "Arn": "DESTINATION", "RoleArn": "ROLE",
        "RetryPolicy": retry(), "DeadLetterConfig": { "Arn": "QUEUE" } }]);
    writeln!(
        f,
        "     aws events put-targets --rule {NAME} --event-bus-name BUS --targets '{target}'"
    )?;
    writeln!(
        f,
        "\nAn API destination waits {ANSWER_WITHIN_SECONDS} seconds for an answer, and wants a certificate of a \
         public CA."
    )
}

/// No secret is printed: it stands where the receiver reads it.
fn connection(setup: &Setup) -> Value {
    let (kind, parameters) = match &setup.shows {
        Shows::ApiKey { header } => (
            "API_KEY",
            json!({ "ApiKeyAuthParameters": { "ApiKeyName": header, "ApiKeyValue": "KEY" } }),
        ),
        Shows::Bearer => (
            "API_KEY",
            json!({ "ApiKeyAuthParameters": { "ApiKeyName": "Authorization",
                "ApiKeyValue": "Bearer TOKEN" } }),
        ),
        Shows::Basic => (
            "BASIC",
            json!({ "BasicAuthParameters": { "Username": "USER", "Password": "PASSWORD" } }),
        ),
    };
    json!({ "Name": NAME, "AuthorizationType": kind, "AuthParameters": parameters })
}

fn told(shows: &Shows) -> String {
    match shows {
        Shows::ApiKey { header } => format!("the receiver's key in {header} for KEY"),
        Shows::Bearer => "the receiver's token for TOKEN".to_owned(),
        Shows::Basic => "the receiver's user and password".to_owned(),
    }
}

fn rate(setup: &Setup) -> u32 {
    setup.max_rate.min(USUAL_RATE)
}

fn pattern(setup: &Setup) -> Value {
    json!({ "source": [{ "prefix": "aws.partner/genesys.com" }], "detail-type": setup.topics })
}

fn retry() -> Value {
    json!({ "MaximumEventAgeInSeconds": RETRY_SECONDS, "MaximumRetryAttempts": RETRIES })
}
