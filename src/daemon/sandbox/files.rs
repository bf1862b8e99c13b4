//! Landlock: which files may be opened, and no TCP port to listen on.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Reach;

/// The newest whose rules were considered here; a kernel that knows more is asked for no more.
const CONSIDERED: ABI = ABI::V6;

/// Confines the calling thread, and says what came of it.
pub(super) fn confine(reach: &Reach) -> String {
    match restrict(reach) {
        Ok(status) => said(&status),
        Err(error) => format!("refused ({error})"),
    }
}

fn restrict(reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
    let read = BitFlags::from(AccessFs::ReadFile);
    // A directory is opened to be synchronised.
    let write = read
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::RemoveFile;
    Ruleset::default()
        .handle_access(AccessFs::from_all(CONSIDERED))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(CONSIDERED))?
        .create()?
        .add_rules(path_beneath_rules(&reach.read, read))?
        .add_rules(path_beneath_rules(&reach.list, read | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(&reach.write, write))?
        .restrict_self()
}

fn said(status: &RestrictionStatus) -> String {
    if status.ruleset == RulesetStatus::NotEnforced {
        return match status.landlock {
            LandlockStatus::NotEnabled => "switched off in this kernel",
            LandlockStatus::NotImplemented | LandlockStatus::Available { .. } => "not in this kernel",
        }
        .to_owned();
    }
    match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            format!("ABI {}", kernel_abi.unwrap_or(effective_abi as i32))
        }
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => "on".to_owned(),
    }
}
