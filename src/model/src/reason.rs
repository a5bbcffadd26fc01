//! Why something is where it is. Records keep a reason as a sentence, ours or one of a platform or a person; ours are of a
//! closed list, so that pages can say them in the reader's language.

macro_rules! list {
    ($($name:ident $key:literal $sentence:literal)*) => {
        /// Every reason of ours.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Why {
            $(#[doc = $sentence] $name,)*
        }

        impl Why {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The key of its words: `why.<key>`.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// As records and logs have it.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

list! {
    // Why a delivery waits.
    KillSwitch "kill_switch" "the kill switch is on"
    Paused "paused" "the account is paused"
    NoCredentials "no_credentials" "waits for credentials"
    Behind "behind" "another post of the account comes first"
    QuietHours "quiet_hours" "waits for its turn: Quiet"
    PlatformWait "platform_wait" "waits for its turn: Platform"
    Usage "usage" "waits for its turn: Usage"
    Budget "budget" "waits for its turn: Budget"
    Gap "gap" "waits for its turn: Gap"
    BeforeWindow "before_window" "waits for the approved window"
    Processing "processing" "the platform is processing it"
    HandedBack "handed_back" "handed back at shutdown"
    LeaseTooShort "lease_too_short" "the lease is too short for the next step"
    // Why it is held, called off or over.
    PostGone "post_gone" "the post does not exist any more"
    NotApproved "not_approved" "the post is not approved any more"
    OtherContent "other_content" "the content is not the approved one"
    ApprovalOver "approval_over" "the approved window passed"
    WindowOver "window_over" "the time window passed"
    WindowOverUnseen "window_over_unseen" "the time window passed before it was live"
    ArticleChanged "article_changed" "the article changed"
    Edited "edited" "edited after approval"
    CalledOff "called_off" "called off"
    CalledOffWhileSent "called_off_while_sent" "called off while it was sent"
    NoAttemptLeft "no_attempt_left" "no attempt left"
    LostLast "lost_last" "the worker was lost in the last attempt"
    // What was seen about an unclear outcome.
    NoAnswer "no_answer" "no answer within the time limit"
    LostSending "lost_sending" "the worker was lost while sending"
    LostPublishing "lost_publishing" "the worker was lost while making it public"
    NotFound "not_found" "read-back did not find it"
    FoundSeveral "found_several" "read-back found several"
    LateReceipt "late_receipt" "receipt after the lease was lost"
    // Why a person must do it on the channel.
    NotOffered "not_offered" "the channel does not offer it"
    NoId "no_id" "the platform's id of the post is not known"
    // Why nobody can have taken it.
    Stuck "stuck" "nobody takes it although nothing holds it back"
    Poison "poison" "poison"
}

impl Why {
    /// What a sentence of a record says: the reason of ours that it is or begins with, and the words of others after it.
    ///
    /// ```
    /// use loa_model::Why;
    ///
    /// assert_eq!(Why::of("the article changed"), (Some(Why::ArticleChanged), ""));
    /// assert_eq!(Why::of("no attempt left: (#100) x"), (Some(Why::NoAttemptLeft), "(#100) x"));
    /// assert_eq!(Why::of("ảnh sai"), (None, "ảnh sai"));
    /// ```
    pub fn of(text: &str) -> (Option<Self>, &str) {
        for why in Self::ALL {
            match text.strip_prefix(why.sentence()) {
                Some("") => return (Some(*why), ""),
                Some(rest) => {
                    if let Some(words) = rest.strip_prefix(": ") {
                        return (Some(*why), words);
                    }
                }
                None => {}
            }
        }
        (None, text)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn each_has_its_own_key_and_sentence_and_is_read_back() {
        let (mut keys, mut sentences) = (BTreeSet::new(), BTreeSet::new());
        for why in Why::ALL {
            assert!(keys.insert(why.key()) && sentences.insert(why.sentence()), "{why:?} twice");
            assert_eq!(Why::of(why.sentence()), (Some(*why), ""));
            let told = format!("{}: vì ảnh sai", why.sentence());
            assert_eq!(Why::of(&told), (Some(*why), "vì ảnh sai"));
        }
        assert_eq!(Why::of(""), (None, ""));
        assert_eq!(Why::of("poisonous"), (None, "poisonous"));
    }

    /// What no code says any more has no words either: a sentence that was changed there must be changed here.
    #[test]
    fn each_is_said_somewhere() {
        let mut code = String::new();
        for krate in ["delivery", "model", "review", "store"] {
            read(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src"),
                &mut code,
            );
        }
        for why in Why::ALL {
            let name = format!("Why::{why:?}");
            let sentence =
                why.sentence().split_once(": ").map_or(why.sentence(), |(begin, _)| begin);
            let said = code.contains(&name) || code.contains(sentence);
            assert!(said, "nobody says {why:?} ({sentence:?})");
        }
    }

    fn read(dir: &Path, code: &mut String) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, code);
            } else if !path.ends_with("reason.rs") {
                code.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
}
