//! The contract of `ports::Store`: one suite for every implementation. A test file includes this
//! module, implements [`fixtures::Bench`] and calls [`contract_suite!`].

pub mod calendar;
pub mod changes;
pub mod fixtures;
pub mod inbox;
pub mod journal;
pub mod leases;
pub mod library;
pub mod lists;
pub mod pages;
pub mod people;
pub mod safety;
pub mod tickets;

/// Makes one test of each part of the contract; `$bench` is an expression that makes a fresh bench.
#[macro_export]
macro_rules! contract_suite {
    ($bench:expr) => {
        $crate::contract_suite!(@tests $bench,
            leases: a_start_key_creates_once, a_run_id_is_used_once, a_held_run_is_not_claimed,
                a_claim_is_earliest_first_and_bounded, a_lapsed_lease_can_be_claimed,
                a_new_boot_voids_all_leases, renewing_tells_which_leases_are_gone,
                a_released_lease_is_gone, claims_count_until_an_append,
                claims_count_anew_when_a_run_is_given_back,
                a_run_set_aside_is_let_alone_and_says_why, next_wake_is_the_earliest_free_one;
            journal: what_is_appended_is_loaded, a_wrong_head_is_refused_with_the_right_one,
                a_gap_in_the_events_is_refused, a_group_of_appends_fails_one_by_one,
                only_the_newest_snapshot_is_kept, children_and_posts_come_with_the_append,
                nothing_of_a_failed_append_is_kept, a_forked_prefix_comes_with_the_run,
                everything_is_there_after_a_new_boot, numbers_come_back_exactly;
            inbox: a_message_is_there_once, a_message_wakes_a_sleeping_run, a_message_wakes_a_finished_run,
                a_message_for_nobody_is_refused, a_release_with_mail_is_claimable_at_once,
                mail_survives_a_lapsed_lease, mail_from_others_is_pending;
            lists: runs_are_filtered_and_paged, every_filter_of_runs_finds_what_fits, steps_are_brought_up_to_date, artifacts_are_newest_first,
                approvals_change_state_but_not_words, dead_letters_are_kept, tenants_do_not_see_each_other,
                runs_are_found_by_what_never_changes, approvals_and_artifacts_are_paged_and_filtered;
            pages: named_things_are_paged, recipes_are_paged_and_calls_left_out, versions_are_paged,
                tokens_are_paged_and_those_that_work_found, dead_letters_are_paged;
            people: user_names_are_unique_without_case, two_admins_cannot_send_each_other_away_at_once, a_link_works_once, sessions_begin_and_end,
                tokens_are_kept_until_revoked, a_repeated_request_is_answered_again,
                a_key_of_a_process_that_has_ended_is_free,
                the_feed_tells_what_changed_in_order;
            changes: library_changes_are_all_made_or_none, a_recipe_that_is_not_as_it_was_seen_is_left_alone;
            library: agent_names_are_unique_without_case,
                versions_are_saved_and_activated,
                the_same_text_is_no_new_version, recipes_are_found_by_slug_name_and_id,
                tools_are_replaced_by_name, settings_are_kept_by_key, secrets_are_sealed,
                leaves_are_kept_in_order_and_recompute, a_failed_change_leaves_no_leaf;
            calendar: no_two_events_overlap_on_a_calendar, a_call_books_once,
                events_move_and_are_cancelled, events_are_listed_by_their_start,
                many_writers_never_double_book, random_wishes_agree_with_a_model;
            tickets: tickets_are_numbered_and_change, tickets_are_found_newest_first,
                a_route_is_pinned_by_its_first_time;
            safety: a_guest_may_do_all_but_claim, a_guest_needs_a_database, a_backup_opens,
                a_closed_store_says_so;
        );
    };
    (@tests $bench:expr, $($module:ident: $($test:ident),+;)+) => {$(
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let bench = $bench;
                    $crate::contract::$module::$test(&bench).await;
                }
            )+
        }
    )+};
}
