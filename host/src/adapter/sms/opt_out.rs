//! stub
/// w
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum CarrierWord { /// s
 Stop, /// s
 Start, /// s
 Help }
/// w
pub fn carrier_word(_b: &str) -> Option<CarrierWord> { None }
