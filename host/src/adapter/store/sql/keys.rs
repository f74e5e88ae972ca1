//! Secrets, made once.

use super::{
    super::keys::Key,
    db::{Db, args},
    fault::{Fault, Outcome},
};

/// The secret of a name, where there is one.
pub(super) async fn find(db: &mut Db<'_>, name: &str) -> Outcome<Option<Key>> {
    let row = db.one("select secret from wtaf_keys where name = $1", args![name]).await?;
    row.map(|row| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(row.text("secret")?, &mut bytes).map_err(|_| Fault::damaged("secret"))?;
        Ok(Key::new(bytes))
    })
    .transpose()
}

/// The secret of a name; of several who make it at once, the first one's.
pub(super) async fn make(db: &mut Db<'_>, name: &str) -> Outcome<Key> {
    let secret = hex::encode(rand::random::<[u8; 32]>());
    db.run("insert into wtaf_keys (name, secret) values ($1, $2) on conflict (name) do nothing", args![name, secret])
        .await?;
    find(db, name).await?.ok_or_else(|| Fault::damaged("secret"))
}
