//! What a field of another client's configuration holds.

/// What a field of another client's configuration holds, in our words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// The first labels of the name, `@` for none; the rest is its zone.
    Label,
    /// The whole name, or `label@zone`, or the provider's number of the record.
    Name,
    /// Our `param`.
    Param,
    /// Our `param_opt`.
    ParamOpt,
    /// The password, token or key.
    Password,
    /// Our `record_id`.
    RecordId,
    /// Our `server`.
    Server,
    /// Our `ttl`, in seconds.
    Ttl,
    /// Nothing that the provider looks at.
    Unused,
    /// The account's name.
    User,
    /// The zone of the name.
    Zone,
}
