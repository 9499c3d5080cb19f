use std::collections::BTreeMap;
use std::path::Path;

use super::super::whereabouts::Purpose;
use super::*;

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<(Genesys, Vec<String>), String> {
    let file: raw::File = toml::from_str(text).unwrap();
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let get = |name: &str| variables.get(name).map(|text| (*text).to_owned());
    let mut faults = Faults::new(Path::new("config.toml"), text);
    let whereabouts = Whereabouts::new(Path::new("/"), Purpose::Run);
    let genesys = super::read(file.genesys, &whereabouts, &Environment(&get), &mut faults);
    let cautions = faults.take_cautions();
    if faults.is_empty() {
        Ok((genesys.unwrap(), cautions.iter().map(ToString::to_string).collect()))
    } else {
        Err(faults.to_string())
    }
}

fn credentials(genesys: &Genesys) -> Option<(&str, &str)> {
    let credentials = genesys.account.credentials.as_ref()?;
    Some((credentials.id.as_str(), credentials.secret.reveal()))
}

#[test]
fn a_region_alone_asks_what_is_public() {
    let (genesys, cautions) = read_with("[genesys]\nregion = \"mypurecloud.ie\"\n", &[]).unwrap();
    let account = &genesys.account;
    assert_eq!((account.region.aws, account.requests_per_minute), ("eu-west-1", 120));
    assert_eq!((account.compat, account.trust.clone()), (Compat::Genesys, Trust::System));
    assert_eq!((credentials(&genesys), cautions), (None, vec![]));
}

#[test]
fn each_family_of_variables_has_its_turn() {
    let table = "[genesys]\nregion = \"eu-west-1\"\n";
    let genesys = [("GENESYS_CLIENT_ID", "a"), ("GENESYS_CLIENT_SECRET", "as")];
    let cloud = [("GENESYSCLOUD_OAUTHCLIENT_ID", "b"), ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "bs")];
    let gc = [("GC_CLIENT_ID", "c"), ("GC_CLIENT_SECRET", "cs")];
    for (variables, expected, cautions) in [
        (vec![gc], ("c", "cs"), 0),
        (vec![gc, cloud], ("b", "bs"), 2),
        (vec![gc, cloud, genesys], ("a", "as"), 2),
        (vec![cloud], ("b", "bs"), 0),
    ] {
        let variables: Vec<_> = variables.into_iter().flatten().collect();
        let (genesys, said) = read_with(table, &variables).unwrap();
        assert_eq!(credentials(&genesys), Some(expected));
        assert_eq!(said.len(), cautions, "{said:?}");
        // Neither ids nor secrets are told.
        assert!(!said.iter().any(|said| said.contains("bs") || said.contains("cs")), "{said:?}");
    }
}

#[test]
fn a_secret_goes_with_its_client() {
    let table = "[genesys]\nregion = \"eu-west-1\"\n";
    // A secret that is left over of a family whose client is not set.
    let variables =
        [("GENESYS_CLIENT_SECRET", "old"), ("GC_CLIENT_ID", "c"), ("GC_CLIENT_SECRET", "cs")];
    let (genesys, said) = read_with(table, &variables).unwrap();
    assert_eq!(credentials(&genesys), Some(("c", "cs")));
    assert_eq!(said.len(), 1, "{said:?}");
    // Of two families, as there is no other.
    let variables = [("GENESYS_CLIENT_SECRET", "s"), ("GC_CLIENT_ID", "c")];
    let (genesys, said) = read_with(table, &variables).unwrap();
    assert_eq!(credentials(&genesys), Some(("c", "s")));
    assert!(said[0].contains("another family"), "{said:?}");
    // No client at all.
    let (genesys, said) = read_with(table, &[("GC_CLIENT_SECRET", "s")]).unwrap();
    assert_eq!(credentials(&genesys), None);
    assert!(said[0].contains("GC_CLIENT_SECRET"), "{said:?}");
}

#[test]
fn the_config_goes_before_the_environment() {
    let table = "[genesys]\nregion = \"eu-west-1\"\nclient-id = \" mine \"\n";
    let variables =
        [("GENESYS_CLIENT_ID", "a"), ("GC_CLIENT_ID", "b"), ("GENESYS_CLIENT_SECRET", "s")];
    let (genesys, said) = read_with(table, &variables).unwrap();
    assert_eq!(credentials(&genesys), Some(("mine", "s")));
    assert_eq!(said, [""; 0]);
    let error = read_with(table, &[]).unwrap_err();
    assert!(error.contains("the secret is missing"), "{error}");
}

#[test]
fn the_region_comes_under_many_names() {
    for (name, text) in [
        ("GENESYS_ENV_URL", "https://api.mypurecloud.ie"),
        ("GENESYSCLOUD_OAUTHCLIENT_REGION", "eu-west-1"),
        ("GENESYSCLOUD_REGION", "eu-west-1"),
        ("GENESYS_REGION", "prod-euw1"),
        ("GC_REGION", "mypurecloud.ie"),
    ] {
        let (genesys, said) = read_with("[genesys]\n", &[(name, text)]).unwrap();
        assert_eq!((genesys.account.region.aws, said.len()), ("eu-west-1", 0), "{name}");
    }
    // The same region under two names is no conflict; another one is.
    let alike = [("GENESYS_ENV_URL", "https://api.mypurecloud.ie"), ("GC_REGION", "euw1")];
    assert_eq!(read_with("[genesys]\n", &alike).unwrap().1, [""; 0]);
    let other = [("GENESYS_ENV_URL", "https://api.mypurecloud.ie"), ("GC_REGION", "prod")];
    let (genesys, said) = read_with("[genesys]\n", &other).unwrap();
    assert_eq!((genesys.account.region.aws, said.len()), ("eu-west-1", 1));
    for variables in [&[][..], &[("GC_REGION", "moon")]] {
        let error = read_with("[genesys]\n", variables).unwrap_err();
        assert!(error.contains("genesys.region"), "{error}");
    }
}

#[test]
fn each_surface_may_be_elsewhere() {
    let table = "[genesys]\nregion = \"eu-west-1\"\ncompat = \"seed\"\nscope = \"a b\"\n\
        login-url = \"http://127.0.0.1:1/login\"\napi-url = \"https://proxy.example/api\"\n\
        messaging-url = \"ws://127.0.0.1:2\"\nrequests-per-minute = 60\n";
    let (genesys, _) = read_with(table, &[]).unwrap();
    let account = genesys.account;
    assert_eq!(account.bases.login.to_string(), "http://127.0.0.1:1/login");
    assert_eq!(account.bases.api.to_string(), "https://proxy.example/api");
    assert_eq!(account.bases.messaging.to_string(), "ws://127.0.0.1:2/");
    assert_eq!(account.bases.cdn.to_string(), "https://api-cdn.mypurecloud.ie/");
    assert_eq!((account.compat, account.requests_per_minute), (Compat::Seed, 60));
    assert_eq!(account.scope.as_deref(), Some("a b"));
    // Whoever knows where a channel's socket is may listen.
    let streaming = |url: &str| {
        read_with(&format!("[genesys]\nregion = \"eu-west-1\"\nstreaming-url = \"{url}\"\n"), &[])
    };
    for good in ["ws://127.0.0.1:2", "ws://localhost", "wss://proxy.example"] {
        assert!(streaming(good).is_ok(), "{good}");
    }
    let refused = streaming("ws://proxy.example").unwrap_err();
    assert!(refused.contains("genesys.streaming-url: what is secret"), "{refused}");
}
