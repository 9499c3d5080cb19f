//! nginx, configured for CORS in the ways that people try, and what pages can read of it.

use std::process::Command;

use tempfile::TempDir;

use crate::program::{Program, free_port, json, watchpost};
use crate::servers::template;

fn nginx() -> (TempDir, Program, u16) {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let config = template("servers/cors.conf", folder.path(), port, 0);
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).arg("-c").arg(config).args(["-g", "daemon off;"]);
    (folder, Program::start(&mut command).listening(port), port)
}

#[test]
fn what_people_write_into_nginx_does_what_browsers_say() {
    let (_folder, _nginx, port) = nginx();
    let app = ["--origin", "https://app.test"].as_slice();
    let evil = ["--origin", "https://evil.test"].as_slice();
    let put = ["--method", "PUT"].as_slice();
    let patch = ["--method", "PATCH"].as_slice();
    let cookies = ["--credentials"].as_slice();
    let json_type = ["--header", "Content-Type: application/json"].as_slice();
    let client = ["--header", "X-Client: web"].as_slice();
    let cases = [
        ("/good", vec![app], "pass", &[][..]),
        ("/good", vec![app, put, cookies, json_type], "pass", &[]),
        ("/good", vec![evil], "cors_missing_allow_origin_header", &[]),
        ("/good", vec![evil, put], "cors_preflight_missing_allow_origin_header", &[]),
        ("/good", vec![app, patch], "cors_method_disallowed_by_preflight_response", &[]),
        ("/good", vec![app, put, client], "cors_header_disallowed_by_preflight_response", &[]),
        ("/star", vec![evil], "pass", &[]),
        ("/star", vec![app, cookies], "cors_wildcard_origin_not_allowed", &[]),
        ("/star", vec![app, put, cookies], "cors_preflight_wildcard_origin_not_allowed", &[]),
        ("/forgets", vec![app], "cors_missing_allow_origin_header", &[]),
        ("/remembers", vec![app], "pass", &[]),
        ("/remembers", vec![app, put], "cors_preflight_invalid_status", &[]),
        ("/twice", vec![app], "cors_multiple_allow_origin_values", &[]),
        ("/moved", vec![app], "cors_redirected", &[]),
        ("/moved", vec![app, put], "cors_preflight_disallowed_redirect", &[]),
        ("/reflects", vec![app], "pass", &["cors_reflects_any_origin"]),
        ("/begins", vec![app], "pass", &["cors_origin_suffix_confusion"]),
        ("/ends", vec![app], "pass", &["cors_origin_prefix_confusion"]),
        ("/poisons", vec![app], "pass", &["cors_vary_origin_missing"]),
        ("/files/none", vec![app], "http_status_unexpected", &[]),
        // nginx does not let OPTIONS near files.
        ("/files/none", vec![app, put], "cors_preflight_invalid_status", &[]),
        ("/nowhere", vec![app], "cors_missing_allow_origin_header", &[]),
    ];
    for (path, options, expected, warnings) in cases {
        let url = format!("http://api.test:{port}{path}");
        let to = format!("127.0.0.1:{port}");
        let mut args = vec!["check", &url, "--connect-to", &to, "--json"];
        args.extend(options.concat());
        let report = json(&watchpost(&args));
        let found = report["reason"].as_str().unwrap_or("pass");
        let told = report["warnings"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|warning| warning["warning"].as_str().unwrap()).collect();
        assert_eq!(
            (found, told.as_slice()),
            (expected, warnings),
            "{path} {options:?}\n{report:#}"
        );
    }
}
