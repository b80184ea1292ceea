//! Known results, on every host.

use super::known;

#[test]
fn every_form_gives_its_known_results() {
    for form in known() {
        assert_eq!(form.run(|_, _, _| {}), form.digest, "{}", form.name);
    }
}
