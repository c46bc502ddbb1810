// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device against an operator, a lane, a VMM and guests that are all made up, under a clock that only these tests
//! move.
//!
//! # Counterparts
//!
//! What others test of the same, and where it is asked here; each test that is named exists (`tests/tests/tidy`). Where there is
//! none, it is said why.
//!
//! | others | here |
//! |---|---|
//! | OpenVMM `initialize_rndis_with_vf` | `contract::with_vf` |
//! | OpenVMM `initialize_rndis_with_vf_without_completion` | `contract::with_vf_without_completion` |
//! | OpenVMM `initialize_rndis_with_vf_alternate_id` | `contract::with_vf_alternate_id` |
//! | OpenVMM `initialize_rndis_with_vf_multi_open` | `contract::with_vf_multi_open` |
//! | OpenVMM `initialize_rndis_with_prev_vf_switch_data_path` | `contract::with_prev_vf_switch_data_path` |
//! | OpenVMM `stop_start_with_vf` | `contract::stop_start_with_vf` |
//! | OpenVMM `save_restore_with_vf` | `restart::save_restore_with_vf` |
//! | OpenVMM `save_restore_with_vf_multi_open` | `restart::save_restore_with_vf_multi_open` |
//! | OpenVMM `save_restore_vf_disassociate_reuses_association_serial` | `restart::save_restore_vf_disassociate_reuses_association_serial` |
//! | OpenVMM `dynamic_vf_support` | `contract::dynamic_vf_support` |
//! | OpenVMM `remove_vf_with_async_messages` | `contract::remove_vf_with_async_messages` |
//! | OpenVMM `link_status_update` | `contract::link_status_update` |
//! | OpenVMM `race_coordinator_and_worker_stop_events` | `contract::race_of_switch_and_revocation` |
//! | OpenVMM `tx_inflight_packets_completed_after_endpoint_restart` | `frames_in_the_ring_at_the_moment_of_the_kill_arrive_once` |
//! | OpenVMM `subchannel_tx_restart` | `every_transmit_queue_of_a_port_is_served`, `g19_resets_its_rings_all_the_time` |
//! | OpenVMM `save_restore_reduced_rss_table_size`, `…_same_…`, `…_increased_…` | `a_guest_that_changes_its_number_of_queues_keeps_flows_in_place_and_in_order`; a flow finds its queue by a hash, and there is no table that could have another size |
//! | OpenVMM `rndis_handle_packet_errors` | `g3_names_heads_past_the_table`, `what_is_too_long_or_from_another_address_is_dropped_and_counted` |
//! | OpenVMM `rx_buffer_ranges_*` | none: the guest posts its receive buffers in its ring, and nobody divides one buffer among queues |
//! | OpenVMM `mana_nic` | `a_vf_comes_and_goes_under_a_stream` |
//! | OpenVMM `mana_nic_shared_pool` | none: the memory of a VF is its VMM's affair |
//! | OpenVMM `mana_nic_servicing`, `mana_nic_servicing_keepalive` | `restart::save_restore_with_vf`, `test_a_vf_goes_on_after_a_restart` |
//! | DPDK fail-safe: preferred sub-device first, else the other, else none | `chaos::test_what_must_hold_holds_whatever_happens` |
//! | DPDK fail-safe: receive from all live sub-devices | `frames_of_the_other_lane_are_the_ports_own` |
//! | DPDK fail-safe: removal is deferred until bursts are over | `several_workers_keep_each_flow_whole_and_in_order_while_a_port_is_switched_to_and_fro` |
//! | DPDK fail-safe: plug-in upkeep every 2 s | `vmm::test_a_vmm_that_refuses_is_asked_again_a_few_times_and_by_the_operator` |
//! | DPDK fail-safe: statistics outlive a sub-device | `what_a_lane_loses_at_its_far_end_is_shown_and_not_forgotten_when_it_goes` |
//! | DPDK fail-safe: configuration and flow rules are replayed | none: they are the port's, and no lane has any |
//! | DPDK vdev_netvsc: `iface`, `mac` | `a_named_netdev_with_another_mac_is_an_error_unless_that_mac_is_named_too` |
//! | DPDK vdev_netvsc: `force`, and routed interfaces | `what_the_host_speaks_over_is_taken_by_force_or_by_name` |
//! | DPDK vdev_netvsc: `ignore` | `what_is_ignored_or_in_use_is_not_taken` |
//! | DPDK vdev_netvsc: a scan each second | `a_port_gets_its_vf_and_loses_it_by_what_the_kernel_says` |
//! | DPDK vdev_netvsc: renames are tolerated | `a_netdev_keeps_its_port_whatever_it_is_called` |
//! | DPDK netvsc: switch only when reported, attached and started | `contract::switches_only_when_reported_attached_and_started` |
//! | DPDK netvsc: a failed switch stays synthetic | `life::test_a_switch_to_the_vf_that_fails_leaves_the_synthetic_lane_and_is_tried_again` |
//! | DPDK netvsc: removal tells the host first | `contract::remove_vf_with_async_messages` |
//! | DPDK netvsc: multicast by the synthetic path | `steering_alone_says_by_which_lane_a_frame_comes` |
//! | DPDK netvsc: ERR_RECOVERING, RECOVERY_SUCCESS, RECOVERY_FAILED | `contract::recovering_success_and_failed` |
//! | QEMU failover: parameters, `error/id`, `error/pcie` | `a_standby_that_there_is_not_is_missed_first`, `what_was_done_of_a_plug_that_fails_is_undone` |
//! | QEMU failover: parameters, `on`, `enabled` | `a_primary_waits_for_a_guest_that_knows_standbys` |
//! | QEMU failover: parameters, `off`, `guest_off` | `a_primary_that_waits_is_taken_back`, `test_a_standby_that_the_guest_did_not_negotiate_is_told_of` |
//! | QEMU failover: parameters, `on_mismatch` | `model::test_a_wrong_model_is_reported_and_nothing_is_offered_under_it` |
//! | QEMU failover: hotplug, and in the reverse order | `an_emulated_vf_gets_a_netdev_and_a_device_and_loses_both`, `a_vf_that_is_there_when_weft_comes_is_ours_again` |
//! | QEMU failover: hotplug of two primaries | none: a port has one VF, and weft plugs no other |
//! | QEMU failover: migrate, out and in, `on` | `a_guest_moves_from_a_vf_to_a_vf` |
//! | QEMU failover: migrate, out and in, `off`, `guest_off` | `a_guest_moves_to_and_fro_under_its_streams` |
//! | QEMU failover: migrate, abort while it waits for the unplug, while active, on time-out | `a_vf_that_is_taken_out_for_a_migration_is_out_when_that_begins_and_back_when_it_fails`, `a_guest_that_does_not_let_go_is_not_waited_for_for_ever` |
//! | QEMU failover: migrate, several pairs | none: each pair is a port of its own, and ports share no VF |

mod chaos;
mod contract;
mod flaps;
mod life;
mod model;
mod restart;
mod rig;
mod sim;
mod table;
mod vmm;
