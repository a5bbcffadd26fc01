//! `loa doctor`: whether this machine can run Loa, and what to do when it cannot.

use serde_json::{Value, json};

use crate::{channels, house, settings::Settings, terminal, world};

/// One check: its name, what was found, and what to do when it failed.
struct Check {
    name: &'static str,
    result: Result<String, String>,
    help: &'static str,
}

/// Runs every check; `true` when all passed.
pub(crate) async fn run(settings: &Settings, as_json: bool) -> anyhow::Result<bool> {
    let checks = vec![
        Check {
            name: "assets",
            result: house::engine(settings)
                .map(|engine| {
                    format!(
                        "{} templates, {} brand kits",
                        engine.templates().len(),
                        engine.brands().len()
                    )
                })
                .map_err(|error| format!("{error:#}")),
            help: "sửa mẫu hoặc bộ nhận diện được nêu tên / correct the template or brand kit that is named",
        },
        Check {
            name: "channels",
            result: channels::build(&settings.channels)
                .map(|built| built.capabilities().into_keys().collect::<Vec<_>>().join(", "))
                .map_err(|error| format!("{error:#}")),
            help: "sửa mục [channels] trong tệp cấu hình / correct [channels] in the settings",
        },
        Check {
            name: "data folder",
            result: world::can_write(&settings.data)
                .map(|()| settings.data.display().to_string())
                .map_err(|error| error.to_string()),
            help: "cấp quyền ghi cho thư mục dữ liệu, hoặc chọn thư mục khác bằng --data / make the folder writable or choose another with --data",
        },
        Check {
            name: "encoder",
            result: encoder(),
            help: "biên dịch với FFmpeg (make setup) / build with FFmpeg (make setup)",
        },
        Check {
            name: "server",
            result: match loa_web::call_local(
                &settings.data.join("loa.sock"),
                &json!({ "command": "status" }),
                |_| {},
            )
            .await
            {
                Ok(Ok(_)) => Ok("a loa process serves this folder".to_owned()),
                Ok(Err(why)) => Err(why),
                Err(_) => Ok("no loa process serves this folder".to_owned()),
            },
            help: "xem nhật ký của tiến trình loa / read the log of the running loa",
        },
        Check {
            name: "accounts",
            result: Ok(format!("{} in the settings", settings.accounts.len())),
            help: "",
        },
    ];
    let healthy = checks.iter().all(|check| check.result.is_ok());
    if as_json {
        let listed: Vec<Value> = checks
            .iter()
            .map(|check| {
                let found = check.result.as_ref().unwrap_or_else(|problem| problem);
                json!({ "check": check.name, "ok": check.result.is_ok(), "found": found, "help": check.help })
            })
            .collect();
        terminal::out(&json!({ "healthy": healthy, "checks": listed }).to_string())?;
        return Ok(healthy);
    }
    for check in &checks {
        match &check.result {
            Ok(found) => terminal::out(&format!("✓ {}: {found}", check.name))?,
            Err(problem) => {
                terminal::out(&format!("✗ {}: {problem}\n    → {}", check.name, check.help))?;
            }
        }
    }
    Ok(healthy)
}

fn encoder() -> Result<String, String> {
    if cfg!(feature = "ffmpeg") {
        Ok("FFmpeg is linked".to_owned())
    } else {
        Err("this build has no encoder".to_owned())
    }
}
