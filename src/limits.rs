//! How much each caller may ask: a burst each minute and a share each day, by account or client, or by address for whoever
//! is not signed in. Each process counts by itself, in memory: it keeps one caller from taking the place of all others, and is no
//! account of what was used. The throttle of sign-ins, which must hold everywhere, is another (`sign_ins/throttle.rs`).

use std::{
    net::IpAddr,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{db::Id, proxies::network};

/// What callers of one class may ask: so many requests in a minute and in a day. None: as many as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(Option<(u32, u32)>);

impl Quota {
    pub const NONE: Quota = Quota(None);
}

impl FromStr for Quota {
    type Err = ();

    /// `600/100000`, or `off`.
    fn from_str(text: &str) -> Result<Quota, ()> {
        if text == "off" {
            return Ok(Quota::NONE);
        }
        let (burst, daily) = text.split_once('/').ok_or(())?;
        match (burst.parse(), daily.parse()) {
            (Ok(burst), Ok(daily)) if burst > 0 && daily >= burst => Ok(Quota(Some((burst, daily)))),
            _ => Err(()),
        }
    }
}

/// What each class may ask.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    pub accounts: Quota,
    pub clients: Quota,
    pub visitors: Quota,
}

/// Whose requests count together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Account(Id),
    Client(Id),
    /// An IPv4 address, or an IPv6 network of a household's size.
    Visitor(String),
}

impl Who {
    pub fn at(address: Option<IpAddr>) -> Who {
        Who::Visitor(address.map(network).unwrap_or_default())
    }
}

/// A stretch of time within which requests count together.
#[derive(Clone, Copy)]
struct Stretch {
    name: &'static str,
    seconds: i64,
}

const STRETCHES: [Stretch; 2] =
    [Stretch { name: "burst", seconds: 60 }, Stretch { name: "daily", seconds: 24 * 60 * 60 }];

/// What was asked in the present stretches: each with its number since 1970.
#[derive(Default)]
struct Asked([(i64, u32); 2]);

/// One policy, and where a caller stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitStanding {
    /// `burst` or `daily`.
    #[schema(example = "burst")]
    pub name: &'static str,
    /// Requests within the window. Answers with 304 do not count.
    #[schema(minimum = 1, example = 600)]
    pub quota: u32,
    #[schema(minimum = 1, example = 60)]
    pub window_seconds: i64,
    /// How many are left of it.
    #[schema(minimum = 0, example = 588)]
    pub remaining: u32,
    /// Seconds until all of them are there again.
    #[schema(minimum = 1, example = 27)]
    pub resets_in_seconds: i64,
}

/// What a caller may ask, and whether this request was within it.
#[derive(Clone, Debug)]
pub struct Allowance {
    pub standings: Vec<LimitStanding>,
    /// Seconds after which to ask again; none where the request was within the quota.
    pub refused: Option<u64>,
}

impl Allowance {
    /// The values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), if there are limits.
    pub fn headers(&self) -> Option<(String, String)> {
        if self.standings.is_empty() {
            return None;
        }
        let each = |tell: fn(&LimitStanding) -> String| self.standings.iter().map(tell).collect::<Vec<_>>().join(", ");
        let policy = each(|one| format!("\"{}\";q={};w={}", one.name, one.quota, one.window_seconds));
        let limit = each(|one| format!("\"{}\";r={};t={}", one.name, one.remaining, one.resets_in_seconds));
        Some((policy, limit))
    }
}

/// The counts of this process.
pub struct Limits {
    quotas: Quotas,
    asked: Cache<Who, Arc<Mutex<Asked>>>,
}

/// How many callers are remembered. Whoever is forgotten begins anew.
const REMEMBERED: usize = 50_000;

impl Limits {
    pub fn new(quotas: Quotas) -> Limits {
        Limits { quotas, asked: Cache::new(REMEMBERED) }
    }

    /// Counts a request, if it is within the quota.
    pub fn take(&self, who: &Who, now: DateTime<Utc>) -> Allowance {
        self.count(who, now, |asked, quota| {
            let within = asked < quota;
            (asked + u32::from(within), within)
        })
    }

    /// Takes a request back that is not to count.
    pub fn give_back(&self, who: &Who, now: DateTime<Utc>) -> Allowance {
        self.count(who, now, |asked, _| (asked.saturating_sub(1), true))
    }

    /// Where a caller stands.
    pub fn standing(&self, who: &Who, now: DateTime<Utc>) -> Vec<LimitStanding> {
        self.count(who, now, |asked, _| (asked, true)).standings
    }

    /// Puts each count through `step`, which answers the next count and whether that is within the quota. Where one is
    /// not, nothing is counted.
    fn count(&self, who: &Who, now: DateTime<Utc>, step: impl Fn(u32, u32) -> (u32, bool)) -> Allowance {
        let quota = match who {
            Who::Account(_) => self.quotas.accounts,
            Who::Client(_) => self.quotas.clients,
            Who::Visitor(_) => self.quotas.visitors,
        };
        let Quota(Some((burst, daily))) = quota else { return Allowance { standings: Vec::new(), refused: None } };
        let slot = self.asked.get_or_insert_with::<_, std::convert::Infallible>(who, || Ok(Arc::default()));
        let Ok(slot) = slot;
        let mut asked = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = now.timestamp();
        let mut next = asked.0;
        let mut refused = None;
        for (count, (stretch, quota)) in next.iter_mut().zip(STRETCHES.iter().zip([burst, daily])) {
            let present = seconds.div_euclid(stretch.seconds);
            // A clock that was set back does not give a stretch anew.
            if present > count.0 {
                *count = (present, 0);
            }
            let (stepped, within) = step(count.1, quota);
            count.1 = stepped;
            if !within {
                refused = refused.max(Some(left(stretch, seconds).unsigned_abs()));
            }
        }
        if refused.is_none() {
            asked.0 = next;
        } else {
            // Only the stretches that are over are over.
            for (kept, next) in asked.0.iter_mut().zip(next) {
                if next.0 > kept.0 {
                    *kept = (next.0, 0);
                }
            }
        }
        let standings =
            asked.0.iter().zip(STRETCHES.iter().zip([burst, daily])).map(|(count, (stretch, quota))| LimitStanding {
                name: stretch.name,
                quota,
                window_seconds: stretch.seconds,
                remaining: quota.saturating_sub(count.1),
                resets_in_seconds: left(stretch, seconds),
            });
        Allowance { standings: standings.collect(), refused }
    }
}

/// The seconds until the present stretch is over.
fn left(stretch: &Stretch, seconds: i64) -> i64 {
    stretch.seconds - seconds.rem_euclid(stretch.seconds)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn limits(accounts: &str) -> Limits {
        Limits::new(Quotas { accounts: accounts.parse().unwrap(), clients: Quota::NONE, visitors: Quota::NONE })
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_quota_is_two_numbers_or_off() {
        assert_eq!("off".parse(), Ok(Quota(None)));
        assert_eq!("2/5".parse(), Ok(Quota(Some((2, 5)))));
        for wrong in ["", "5", "0/5", "5/2", "-1/5", "1/x", "1/2/3"] {
            assert_eq!(wrong.parse::<Quota>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn a_burst_ends_with_its_minute_and_a_share_with_its_day() {
        let (limits, who) = (limits("2/3"), Who::Account(Id::new()));
        let refused = |seconds: i64| limits.take(&who, noon() + TimeDelta::seconds(seconds)).refused;
        assert_eq!([refused(0), refused(1), refused(20), refused(21)], [None, None, Some(40), Some(39)]);
        assert_eq!([refused(60), refused(61)], [None, Some(12 * 3600 - 61)]);
        assert_eq!(refused(12 * 3600), None);
        // Set back, the clock gives nothing anew.
        assert_eq!([refused(12 * 3600 - 1), refused(12 * 3600 - 1)], [None, Some(1)]);
    }

    #[test]
    fn others_are_counted_by_themselves_and_visitors_by_their_network() {
        let limits = limits("1/1");
        let [one, other] = [(); 2].map(|()| Who::Account(Id::new()));
        assert_eq!([&one, &one, &other].map(|who| limits.take(who, noon()).refused.is_some()), [false, true, false]);
        let visitor = |address: &str| Who::at(Some(address.parse().unwrap()));
        assert_eq!(visitor("2001:db8::1"), visitor("2001:db8::2"));
        assert_ne!(visitor("192.0.2.1"), visitor("192.0.2.2"));
        // No limit, no headers.
        assert_eq!(limits.take(&visitor("192.0.2.1"), noon()).headers(), None);
    }

    #[test]
    fn the_headers_tell_what_is_left() {
        let (limits, who) = (limits("2/9"), Who::Account(Id::new()));
        let told = limits.take(&who, noon() + TimeDelta::seconds(33)).headers().unwrap();
        assert_eq!(told.0, "\"burst\";q=2;w=60, \"daily\";q=9;w=86400");
        assert_eq!(told.1, "\"burst\";r=1;t=27, \"daily\";r=8;t=43167");
        assert_eq!(limits.give_back(&who, noon()).standings[0].remaining, 2);
        assert_eq!(limits.give_back(&who, noon()).standings[0].remaining, 2);
    }
}
