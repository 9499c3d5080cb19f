//! Registers a webhook of the seeds: once, whoever asks how often. One of the same name is the same.

use http::Method;
use serde_json::Value;

use super::objects::{PATIENCE, id_of};
use super::plan::{changes, merged};
use super::report::{Hook, HookStage, Refusal};
use super::webhook::Registration;
use crate::genesys::paths::Paths;
use crate::genesys::trouble::{Kind, Trouble};
use crate::outcome::quoted::Quoted;
use crate::platform::{Api, Call, Platform};

/// What is to be done.
pub async fn plan(
    platform: &Platform,
    paths: &Paths,
    registration: &Registration,
) -> Result<Hook, Trouble> {
    let mut hook = Hook {
        name: registration.name.clone(),
        id: None,
        fields: registration.fields.clone(),
        plan: Vec::new(),
        stage: HookStage::ToMake,
        refusal: None,
    };
    if let Some(there) = find(platform, paths, &registration.name).await? {
        hook.id = there.get("id").and_then(Value::as_str).map(Quoted::text);
        hook.plan = changes(&registration.fields, &there);
        let same = hook.plan.is_empty();
        hook.stage = if same { HookStage::AsDeclared } else { HookStage::ToChange };
    }
    Ok(hook)
}

/// Does it; whether the webhook is as it must be.
pub async fn write(
    platform: &Platform,
    paths: &Paths,
    registration: &Registration,
    hook: &mut Hook,
) -> bool {
    let stage = hook.stage;
    hook.stage = match stage {
        HookStage::ToMake | HookStage::ToChange => HookStage::Writing,
        other => other,
    };
    let done = match stage {
        HookStage::ToMake => make(platform, paths, registration, hook).await,
        HookStage::ToChange => change(platform, paths, registration).await,
        _ => return true,
    };
    match done {
        Ok(stage) => {
            hook.stage = stage;
            true
        }
        Err(trouble) => {
            hook.stage = HookStage::Refused;
            let fixed = stage == HookStage::ToChange && matches!(trouble.status, Some(404 | 405));
            hook.refusal = Some(if fixed { unchangeable() } else { (&trouble).into() });
            false
        }
    }
}

/// The seeds make webhooks, and know of no way to change one.
fn unchangeable() -> Refusal {
    Refusal {
        code: "not_changeable",
        message: "it is there and is another one, and the platform lets none be changed".to_owned(),
        fix: "Remove it there, or give this one another name.".to_owned(),
    }
}

async fn make(
    platform: &Platform,
    paths: &Paths,
    registration: &Registration,
    hook: &mut Hook,
) -> Result<HookStage, Trouble> {
    let call = Call::new(Api::SeedWebhooks, Method::POST, paths.webhooks.as_str());
    match platform.call(call.body(registration.body()).within(PATIENCE)).await {
        Ok(reply) => {
            hook.id = reply.json.get("id").and_then(Value::as_str).map(Quoted::text);
            Ok(HookStage::Made)
        }
        // Somebody was faster, or an answer was lost: the same name is the same webhook.
        Err(Trouble { kind: Kind::Conflict { .. }, .. }) => {
            match find(platform, paths, &registration.name).await? {
                Some(_) => change(platform, paths, registration).await,
                None => Ok(HookStage::Exists),
            }
        }
        Err(trouble) => Err(trouble),
    }
}

async fn change(
    platform: &Platform,
    paths: &Paths,
    registration: &Registration,
) -> Result<HookStage, Trouble> {
    let malformed = |field| Trouble::new(Api::SeedWebhooks, Kind::Malformed { field });
    let there = find(platform, paths, &registration.name).await?;
    let there = there.ok_or_else(|| Trouble::new(Api::SeedWebhooks, Kind::NotFound))?;
    let differing = changes(&registration.fields, &there);
    if differing.is_empty() {
        return Ok(HookStage::AsDeclared);
    }
    let body = merged(&there, &differing).map_err(|_| malformed("headers"))?;
    let id = id_of(&there).ok_or_else(|| malformed("id"))?;
    let path = format!("{}/{id}", paths.webhooks);
    let call = Call::new(Api::SeedWebhooks, Method::PUT, path).body(body).within(PATIENCE);
    platform.call(call).await.map(|_| HookStage::Changed)
}

/// The webhook of that name, where there is a list. A server without one says so by 404 or 405: then
/// only a conflict tells.
async fn find(platform: &Platform, paths: &Paths, name: &str) -> Result<Option<Value>, Trouble> {
    let call = Call::get(Api::SeedWebhooks, paths.webhooks.as_str()).within(PATIENCE);
    let list = match platform.call(call).await {
        Ok(reply) => reply.json,
        Err(trouble) if matches!(trouble.status, Some(404 | 405)) => return Ok(None),
        Err(trouble) => return Err(trouble),
    };
    let entities = list.get("entities").or(Some(&list)).and_then(Value::as_array);
    let malformed = || Trouble::new(Api::SeedWebhooks, Kind::Malformed { field: "entities" });
    let mut entities = entities.ok_or_else(malformed)?.iter();
    let called = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
    Ok(entities.find(called).cloned())
}
