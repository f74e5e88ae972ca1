//! What is wrong with an encrypted way to the server, and what to do. Certificates are public: their names may be told.

use std::io;

use rustls::CertificateError;

/// Where Supabase has its certificate.
const SUPABASE: &str = "Supabase's is under Database settings, SSL configuration";

/// What an answer without TLS means where TLS was asked for; what else the client may say of its own side.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> String {
    let what = error.to_string();
    if what.contains("does not support TLS") {
        return "the server offers no TLS, and sslmode asks for it. Switch it on there (ssl = on in postgresql.conf); only on a network that you trust, \
                take sslmode=disable"
            .to_owned();
    }
    match error.downcast_ref::<rustls::Error>() {
        Some(error) => told(error),
        None => format!("no TLS connection: {what}. Is sslrootcert a file of PEM certificates?"),
    }
}

/// What a handshake failed of; nothing where it was no handshake.
pub(super) fn in_io(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<rustls::Error>().map(told)
}

fn told(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(why) = error else {
        return format!("the TLS connection cannot be made: {error}");
    };
    match why {
        CertificateError::UnknownIssuer => format!(
            "the server's certificate is signed by nobody we know. Get the root certificate of who signed it and add sslrootcert=FILE to the URL ({SUPABASE})"
        ),
        CertificateError::NotValidForName => {
            "the server's certificate is for another name than the host in the URL. Use the name it is for, or \
                                              sslmode=verify-ca where only its signer matters"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the server's certificate is for {}, not for the host in the URL. Use the name it is for, or sslmode=verify-ca where only its signer matters",
            if presented.is_empty() { "no name at all".to_owned() } else { presented.join(", ") }
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired, or this machine's clock is wrong. Renew it there, or set the clock"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: set this machine's clock".to_owned()
        }
        other => format!(
            "the server's certificate cannot be trusted: {other:?}. Have it made anew, with an authority we know or one given by sslrootcert"
        ),
    }
}
