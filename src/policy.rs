//! Who may do what: the whole access policy of the service is the table below.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The part that a membership gives an account in one programme; `Admin` is platform-wide, and is about
/// accounts, stakeholders, programmes' creation and memberships, never about content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Lead,
    Secretariat,
    Facilitator,
    Agency,
    Partner,
    Observer,
    Admin,
}

use Role::*;

impl Role {
    pub const ALL: &[Role] = &[Lead, Secretariat, Facilitator, Agency, Partner, Observer, Admin];

    pub const fn name(self) -> &'static str {
        match self {
            Lead => "lead",
            Secretariat => "secretariat",
            Facilitator => "facilitator",
            Agency => "agency",
            Partner => "partner",
            Observer => "observer",
            Admin => "admin",
        }
    }

    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// Every action that this role may do.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| action.roles().has(self))
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    pub const fn of(roles: &[Role]) -> Roles {
        let (mut set, mut next) = (0, 0);
        while next < roles.len() {
            set |= 1 << roles[next] as u8;
            next += 1;
        }
        Roles(set)
    }

    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    pub const fn meets(self, other: Roles) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn with(self, role: Role) -> Roles {
        Roles(self.0 | 1 << role as u8)
    }

    /// Those that are not among `others`.
    pub const fn without(self, others: Roles) -> Roles {
        Roles(self.0 & !others.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.has(*role))
    }

    /// A number that stands for the set, for digests of what a caller may see.
    pub fn bits(self) -> u8 {
        self.0
    }
}

/// Who looks after what each organisation otherwise has for itself: its clients and webhooks.
pub const OVERSEERS: Roles = Roles::of(&[Lead, Secretariat]);

/// Where a role must be held for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the programme that the path names.
    Program,
    /// In any active programme, or as an admin: for what all programmes share.
    Platform,
    /// Nowhere: being signed in is enough.
    SignedIn,
}

/// A type that stands for one [`Action`], so that a handler's signature can name what it needs.
pub trait Gate: 'static {
    const ACTION: Action;
}

/// Each row makes an `Action` variant and a [`Gate`] type of the same name.
macro_rules! policy {
    ($($action:ident = $name:literal, $scope:ident: $($role:ident)*;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($action),+ }

        impl Action {
            pub const ALL: &[Action] = &[$(Action::$action),+];

            /// The name used as OpenAPI scope, in the ledger and as the event's type.
            pub const fn name(self) -> &'static str {
                match self { $(Action::$action => $name),+ }
            }

            pub const fn roles(self) -> Roles {
                match self { $(Action::$action => const { Roles::of(&[$($role),*]) }),+ }
            }

            pub const fn scope(self) -> Scope {
                match self { $(Action::$action => Scope::$scope),+ }
            }
        }

        /// The gates of the table's actions.
        pub mod gate {
            $(pub struct $action;
            impl super::Gate for $action {
                const ACTION: super::Action = super::Action::$action;
            })+
        }
    };
}

policy! {
    ReadMe               = "me.read",                 SignedIn: ;
    EditMe               = "me.edit",                 SignedIn: ;
    ChangePassword       = "me.change_password",      SignedIn: ;
    ChangeEmail          = "me.change_email",         SignedIn: ;
    ChangeSecondFactor   = "me.change_second_factor", SignedIn: ;
    StepUp               = "me.step_up",              SignedIn: ;
    EndOwnSignIn         = "me.end_sign_in",          SignedIn: ;
    ExplainAccess        = "access.explain",          SignedIn: ;
    ReviewAccess         = "access.review",           Platform: Lead Secretariat Admin;

    ReadAccount          = "account.read",            Platform: Admin;
    CreateAccount        = "account.create",          Platform: Admin;
    EditAccount          = "account.edit",            Platform: Admin;
    LockAccount          = "account.lock",            Platform: Admin;
    UnlockAccount        = "account.unlock",          Platform: Admin;
    RenewPasswordToken   = "account.renew_token",     Platform: Admin;
    EndSignIns           = "account.end_sign_ins",    Platform: Admin;
    ImportAccounts       = "account.import",          Platform: Admin;
    ResetSecondFactor    = "account.reset_second_factor", Platform: Admin;

    ReadInvitation       = "invitation.read",         Platform: Lead Secretariat Admin;
    SendInvitation       = "invitation.send",         Platform: Lead Secretariat Admin;
    RevokeInvitation     = "invitation.revoke",       Platform: Lead Secretariat Admin;

    ReadMail             = "mail.read",               Platform: Admin;

    ReadOwnData          = "personal_data.read",      SignedIn: ;
    AskAboutData         = "personal_data.ask",       SignedIn: ;
    CompleteDataRequest  = "personal_data.complete",  Platform: Admin;
    ReviewData           = "personal_data.review",    Platform: Admin;

    ReadStakeholder      = "stakeholder.read",        SignedIn: ;
    CreateStakeholder    = "stakeholder.create",      Platform: Lead Secretariat Admin;
    EditStakeholder      = "stakeholder.edit",        Platform: Lead Secretariat Admin;
    ConfirmStakeholder   = "stakeholder.confirm",     Platform: Lead Secretariat Admin;
    ReorganizeStakeholder = "stakeholder.reorganise", Platform: Admin;
    ImportStakeholders   = "stakeholder.import",      Platform: Admin;

    ListPrograms         = "program.list",            SignedIn: ;
    ReadProgram          = "program.read",            Program:  Lead Secretariat Facilitator Agency Partner Observer Admin;
    SummarizeProgram     = "program.summarize",       Program:  Lead Secretariat Facilitator Agency Partner Observer;
    FollowProgram        = "program.follow",          Program:  Lead Secretariat Facilitator Agency Partner Observer;
    CreateProgram        = "program.create",          Platform: Admin;
    EditProgram          = "program.edit",            Program:  Lead Secretariat;
    ArchiveProgram       = "program.archive",         Program:  Admin;

    ReadParticipant      = "participant.read",        Program:  Lead Secretariat Facilitator Agency Partner Observer;
    AddParticipant       = "participant.add",         Program:  Lead Secretariat Facilitator;
    EditParticipant      = "participant.edit",        Program:  Lead Secretariat Facilitator;
    RemoveParticipant    = "participant.remove",      Program:  Lead Secretariat Facilitator;

    ReadMembership       = "membership.read",         Program:  Lead Secretariat Admin;
    GrantMembership      = "membership.grant",        Program:  Lead Secretariat Admin;
    EditMembership       = "membership.edit",         Program:  Lead Secretariat Admin;
    EndMembership        = "membership.end",          Program:  Lead Secretariat Admin;
    ConfirmMembership    = "membership.confirm",      Program:  Lead Secretariat Admin;

    ReadPhase            = "phase.read",              Program:  Lead Secretariat Facilitator Agency Partner Observer;
    PlanPhase            = "phase.plan",              Program:  Lead Secretariat;
    EditPhase            = "phase.edit",              Program:  Lead Secretariat;
    ActivatePhase        = "phase.activate",          Program:  Lead Secretariat;
    CompletePhase        = "phase.complete",          Program:  Lead;

    ReadFocusArea        = "focus_area.read",         Program:  Lead Secretariat Facilitator Agency Partner Observer;
    NameFocusArea        = "focus_area.name",         Program:  Lead Secretariat;
    EditFocusArea        = "focus_area.edit",         Program:  Lead Secretariat;
    RetireFocusArea      = "focus_area.retire",       Program:  Lead Secretariat;

    ReadShockOrStress    = "shock_or_stress.read",    Program:  Lead Secretariat Facilitator Agency Partner Observer;
    NameShockOrStress    = "shock_or_stress.name",    Program:  Lead Secretariat;
    EditShockOrStress    = "shock_or_stress.edit",    Program:  Lead Secretariat;

    ReadQuestion         = "question.read",           Program:  Lead Secretariat Facilitator Agency Partner Observer;
    AskQuestion          = "question.ask",            Program:  Lead Secretariat Facilitator;
    ReviseQuestion       = "question.revise",         Program:  Lead Secretariat Facilitator;
    ReviewQuestion       = "question.review",         Program:  Lead Secretariat Facilitator;
    ValidateQuestion     = "question.validate",       Program:  Lead Secretariat;
    ReorganizeQuestion   = "question.reorganise",     Program:  Lead Secretariat Facilitator;

    ReadDocument         = "document.read",           Program:  Lead Secretariat Facilitator Agency Partner Observer;
    AddDocument          = "document.add",            Program:  Lead Secretariat;
    EditDocument         = "document.edit",           Program:  Lead Secretariat;

    ReadEvent            = "event.read",              Program:  Lead Secretariat Facilitator Agency Partner Observer;
    PlanEvent            = "event.plan",              Program:  Lead Secretariat;
    EditEvent            = "event.edit",              Program:  Lead Secretariat;
    AdvanceEvent         = "event.advance",           Program:  Lead Secretariat;
    RunEvent             = "event.run",               Program:  Lead Secretariat Facilitator;
    ReportFollowUp       = "follow_up.report",        Program:  Lead Secretariat Facilitator Agency Partner;
    CastVote             = "ballot.vote",             Program:  Lead Secretariat Facilitator Agency Partner;

    ReadMapping          = "mapping.read",            Program:  Lead Secretariat Facilitator Agency Partner Observer;
    ProposeMapping       = "mapping.propose",         Program:  Lead Secretariat Facilitator Agency Partner;
    ValidateMapping      = "mapping.validate",        Program:  Lead Secretariat Facilitator;
    WithdrawMapping      = "mapping.withdraw",        Program:  Lead Secretariat Facilitator Agency Partner;
    ReadCriterion        = "criterion.read",          Program:  Lead Secretariat Facilitator Agency Partner Observer;
    ProposeCriterion     = "criterion.propose",       Program:  Lead Secretariat Facilitator Agency Partner;
    EditCriterion        = "criterion.edit",          Program:  Lead Secretariat Facilitator Agency Partner;
    ValidateCriterion    = "criterion.validate",      Program:  Lead Secretariat Facilitator;
    WithdrawCriterion    = "criterion.withdraw",      Program:  Lead Secretariat Facilitator Agency Partner;

    ReadStatement        = "statement.read",          Program:  Lead Secretariat Facilitator Agency Partner Observer;
    DraftStatement       = "statement.draft",         Program:  Lead Secretariat;
    ReviseStatement      = "statement.revise",        Program:  Lead Secretariat;
    AdvanceStatement     = "statement.advance",       Program:  Lead Secretariat;
    TakePosition         = "statement.position",      Program:  Lead Secretariat Facilitator Agency Partner;
    AnswerObjection      = "statement.answer",        Program:  Lead Secretariat;
    AdoptStatement       = "statement.adopt",         Program:  Lead;
    PublishStatement     = "statement.publish",       Program:  Lead;

    ReadConsultation     = "consultation.read",       Program:  Lead Secretariat Facilitator Agency Partner Observer;
    CreateConsultation   = "consultation.create",     Program:  Lead Secretariat;
    EditConsultation     = "consultation.edit",       Program:  Lead Secretariat;
    ReadInput            = "input.read",              Program:  Lead Secretariat Facilitator Agency Partner Observer;
    SendInput            = "input.send",              Program:  Lead Secretariat Facilitator Agency Partner;
    CorrectInput         = "input.correct",           Program:  Lead Secretariat Facilitator Agency Partner;
    WithdrawInput        = "input.withdraw",          Program:  Lead Secretariat Facilitator Agency Partner;
    DecideInput          = "input.decide",            Program:  Lead Secretariat;

    ReadClient           = "client.read",             Program:  Lead Secretariat Agency Partner;
    MakeClient           = "client.make",             Program:  Lead Secretariat Agency Partner;
    EditClient           = "client.edit",             Program:  Lead Secretariat Agency Partner;
    RevokeClient         = "client.revoke",           Program:  Lead Secretariat Agency Partner;
    MakeClientKey        = "client.make_key",         Program:  Lead Secretariat Agency Partner;
    EndClientKey         = "client.end_key",          Program:  Lead Secretariat Agency Partner;

    ReadWebhook          = "webhook.read",            Program:  Lead Secretariat Agency Partner;
    CreateWebhook        = "webhook.create",          Program:  Lead Secretariat Agency Partner;
    EditWebhook          = "webhook.edit",            Program:  Lead Secretariat Agency Partner;
    DeleteWebhook        = "webhook.delete",          Program:  Lead Secretariat Agency Partner;
    RenewWebhookSecret   = "webhook.renew_secret",    Program:  Lead Secretariat Agency Partner;
    TestWebhook          = "webhook.test",            Program:  Lead Secretariat Agency Partner;
    SkipWebhookMessage   = "webhook.skip",            Program:  Lead Secretariat Agency Partner;
    ReplayWebhookMessages = "webhook.replay",         Program:  Lead Secretariat Agency Partner;

    ReadLedger           = "ledger.read",             Program:  Lead Secretariat;
    ReadPlatformLedger   = "platform_ledger.read",    Platform: Admin;
}

/// What is done only by somebody who has proved a moment ago to be who they are: by signing in, or by
/// `POST /auth/step-up`. A stolen token is not enough. Beside these, whoever makes an admin has to (`Tx::require_proof`);
/// trials (`dry_run`) change nothing, and need no proof.
pub const DANGEROUS: &[Action] = &[
    Action::ChangeSecondFactor,
    Action::ChangeEmail,
    Action::EditAccount,
    Action::LockAccount,
    Action::UnlockAccount,
    Action::RenewPasswordToken,
    Action::ResetSecondFactor,
    Action::ReorganizeStakeholder,
    Action::CompleteDataRequest,
    Action::ArchiveProgram,
];

/// How long a proof is a moment ago.
pub const PROVED_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// Operations that need no sign-in, by operation id. The access test holds the document to this list.
pub const PUBLIC: &[&str] = &[
    "get_livez",
    "get_readyz",
    "get_metrics",
    "get_problem_page",
    "get_jwks",
    "get_record_keys",
    "get_security_txt",
    "get_openapi",
    "get_meta",
    "get_access_matrix",
    "log_in",
    "refresh_sign_in",
    "log_out",
    "set_password",
    "request_password_reset",
    "reset_password",
    "confirm_email_change",
    "accept_invitation",
    "get_client_token",
    "revoke_client_token",
    "get_authorization_server",
    "list_frameworks",
    "get_framework",
    "list_framework_nodes",
    "list_framework_qualities",
    "list_event_types",
    "get_event_type",
    "list_public_programs",
    "get_public_program",
    "list_public_phases",
    "list_public_focus_areas",
    "list_public_questions",
    "list_public_events",
    "list_public_stakeholders",
    "list_public_statements",
    "get_public_statement",
    "get_public_edition",
    "get_public_edition_signature",
    "get_public_minutes",
];

impl Action {
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// The actions on one kind of thing.
    pub fn of_subject(subject: &'static str) -> impl Iterator<Item = &'static Action> {
        Action::ALL.iter().filter(move |action| action.subject() == subject)
    }

    /// Whether a client can be given it: what is done in one programme. Credentials and memberships are given by people,
    /// and so are webhooks, which are told what a role sees. No client can prove to be anybody again, so none does what is
    /// dangerous.
    pub fn is_for_clients(self) -> bool {
        let of_people = matches!(
            self,
            Action::GrantMembership | Action::EditMembership | Action::EndMembership | Action::ConfirmMembership
        );
        let gives = of_people || matches!(self.subject(), "client" | "webhook");
        self.scope() == Scope::Program && !gives && !self.is_dangerous()
    }

    /// Whether it is among [`DANGEROUS`].
    pub fn is_dangerous(self) -> bool {
        DANGEROUS.contains(&self)
    }

    /// The kind of thing that the action is about: what stands before the dot.
    pub fn subject(self) -> &'static str {
        self.name().split('.').next().unwrap_or_default()
    }
}

/// A set of actions: what a client was given of its role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions(u128);

const _: () = assert!(Action::ALL.len() <= 128);

impl Actions {
    /// People are held to their roles alone.
    pub const ALL: Actions = Actions(u128::MAX);

    /// What every client may: read what anybody signed in may.
    pub const OF_ANY_CLIENT: Actions = Actions(0)
        .with(Action::ReadMe)
        .with(Action::ExplainAccess)
        .with(Action::ReadStakeholder)
        .with(Action::ListPrograms);

    pub const fn has(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }

    pub const fn with(self, action: Action) -> Actions {
        Actions(self.0 | 1 << action as u8)
    }

    /// What is in both.
    pub const fn meet(self, other: Actions) -> Actions {
        Actions(self.0 & other.0)
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Actions {
        actions.into_iter().fold(Actions::default(), Actions::with)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// So that a handler's document can name its scope by the action.
impl From<Action> for String {
    fn from(action: Action) -> String {
        action.name().to_owned()
    }
}

/// The actions of `role` that a giver with these roles does not have: nobody grants more than they have.
/// Admins may give any role.
pub fn beyond(giver: Roles, role: Role) -> Vec<&'static str> {
    if giver.has(Admin) {
        return Vec::new();
    }
    role.actions().filter(|action| !action.roles().meets(giver)).map(Action::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_does_what_is_dangerous() {
        for action in DANGEROUS {
            assert!(!action.is_for_clients() && !Actions::OF_ANY_CLIENT.has(*action), "{action}");
        }
    }
}
