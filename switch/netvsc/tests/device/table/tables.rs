// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The tables.

#[rustfmt::skip]
pub(super) const STANDBY: &str = "
event            absent  offered  plugging plugged ready        to-vf         on-vf   to-synthetic leaving
offer            offered no       no       no      no           no            no      no           no
revoke           no      absent   leaving  leaving leaving      leaving       leaving leaving      no
switch-vf        no      no       no       on-vf   on-vf        .             .       .            no
switch-synthetic no      .        .        .       .            to-synthetic  ready   .            .
lane-up          ?       .        .        .       .            .             .       .            .
lane-down        ?       .        .        .       .            to-synthetic  ready   .            .
lane-gone        ?       absent   leaving  leaving leaving      leaving       leaving leaving      .
recovering       ?       .        .        .       .            to-synthetic  ready   .            .
recovered        ?       ?        ?        ?       ?            ?             ?       ?            ?
guest-up-standby .       .        .        .       .            .             .       .            .
guest-up-plain   .       .        .        .       plugged      plugged       plugged plugged      .
guest-down       .       .        .        .       plugged      plugged       plugged plugged      .
vmm-up           .       .        .        .       .            .             .       .            .
vmm-lost         .       .        plugged  .       .            .             .       .            .
plugged          ?       plugged  plugged  ?       ?            ?             ?       ?            ?
plug-failed      ?       ?        offered  ?       ?            ?             ?       ?            ?
negotiated       .       .        .        .       .            .             .       .            .
unplug-asked     ?       ?        leaving  leaving leaving      leaving       leaving leaving      .
unplugged        ?       ?        ?        absent  absent       leaving       absent  leaving      absent
unplug-failed    ?       ?        ?        ?       ?            ?             ?       ?            .
seen-vf          ?       ready    ready    ready   .            .             .       .            .
seen-synthetic   .       .        .        .       .            .             .       .            .
answered         ?       ready    on-vf    on-vf   on-vf        .             .       .            .
overflowed       ?       ?        ?        ?       ?            ?             ?       ?            .
found            ?       ready    ready    ready   .            .             .       .            .
asked-vf         no      no       no       on-vf   .            .             .       .            no
asked-synthetic  .       .        .        .       .            to-synthetic  ready   .            .
switched         ?       ?        ?        ?       ?            on-vf         ?       ready        ?
switch-failed    ?       ?        ?        ?       ?            ready         ?       on-vf        ?
";

#[rustfmt::skip]
pub(super) const NETVSC: &str = "
event            absent  offered plugging plugged ready   to-vf        on-vf   to-synthetic leaving
offer            offered no      no       no      no      no           no      no           no
revoke           no      absent  leaving  leaving leaving leaving      leaving leaving      no
switch-vf        no      no      no       on-vf   on-vf   .            .       .            no
switch-synthetic no      .       .        .       .       to-synthetic ready   .            .
lane-up          ?       .       .        .       .       .            .       .            .
lane-down        ?       .       .        .       .       to-synthetic ready   .            .
lane-gone        ?       absent  leaving  leaving leaving leaving      leaving leaving      .
recovering       ?       .       .        .       .       to-synthetic ready   .            .
recovered        ?       ?       ?        ?       ?       ?            ?       ?            ?
guest-up-standby .       .       .        .       plugged plugged      plugged plugged      .
guest-up-plain   .       .       .        .       .       .            .       .            .
guest-down       .       .       .        .       plugged plugged      plugged plugged      .
vmm-up           .       .       .        .       .       .            .       .            .
vmm-lost         .       .       plugged  .       .       .            .       .            .
plugged          ?       plugged plugged  ?       ?       ?            ?       ?            ?
plug-failed      ?       ?       offered  ?       ?       ?            ?       ?            ?
negotiated       ?       ?       ?        ?       ?       ?            ?       ?            ?
unplug-asked     ?       ?       leaving  leaving leaving leaving      leaving leaving      .
unplugged        ?       ?       ?        absent  absent  leaving      absent  leaving      absent
unplug-failed    ?       ?       ?        ?       ?       ?            ?       ?            .
seen-vf          ?       ready   on-vf    on-vf   .       .            .       .            .
seen-synthetic   .       .       .        .       .       .            .       .            .
answered         ?       ready   on-vf    on-vf   .       .            .       .            .
overflowed       ?       ?       ?        ?       ?       ?            ?       ?            ?
found            ?       ready   ready    ready   .       .            .       .            .
asked-vf         no      no      no       on-vf   on-vf   .            .       .            no
asked-synthetic  .       .       .        .       .       to-synthetic ready   .            .
switched         ?       ?       ?        ?       ?       on-vf        ?       ready        ?
switch-failed    ?       ?       ?        ?       ?       ready        ?       on-vf        ?
";

#[rustfmt::skip]
pub(super) const BOND: &str = "
event            absent  offered plugging plugged ready   to-vf        on-vf   to-synthetic leaving
offer            offered no      -        no      no      no           no      no           -
revoke           no      absent  -        absent  absent  leaving      absent  leaving      -
switch-vf        no      no      -        on-vf   on-vf   .            .       .            -
switch-synthetic no      .       -        .       .       to-synthetic ready   .            -
lane-up          ?       plugged -        .       .       .            .       .            -
lane-down        ?       .       -        .       .       to-synthetic ready   .            -
lane-gone        ?       absent  -        absent  absent  leaving      absent  leaving      -
recovering       ?       .       -        .       .       to-synthetic ready   .            -
recovered        ?       ?       -        ?       ?       ?            ?       ?            -
guest-up-standby .       .       -        .       plugged plugged      plugged plugged      -
guest-up-plain   .       .       -        .       .       .            .       .            -
guest-down       .       .       -        .       plugged plugged      plugged plugged      -
vmm-up           .       .       -        .       .       .            .       .            -
vmm-lost         .       .       -        .       .       .            .       .            -
plugged          ?       plugged -        .       .       .            .       .            -
plug-failed      ?       ?       -        ?       ?       ?            ?       ?            -
negotiated       ?       ?       -        ?       ?       ?            ?       ?            -
unplug-asked     ?       ?       -        leaving leaving leaving      leaving leaving      -
unplugged        ?       ?       -        absent  absent  leaving      absent  leaving      -
unplug-failed    ?       ?       -        ?       ?       ?            ?       ?            -
seen-vf          ?       ready   -        on-vf   on-vf   .            .       .            -
seen-synthetic   .       .       -        .       .       .            ready   .            -
answered         ?       ready   -        on-vf   on-vf   .            .       .            -
overflowed       ?       ?       -        ?       ?       ?            ?       ?            -
found            ?       ready   -        ready   .       .            .       .            -
asked-vf         no      no      -        on-vf   on-vf   .            .       .            -
asked-synthetic  .       .       -        .       .       to-synthetic ready   .            -
switched         ?       ?       -        ?       ?       on-vf        ?       ready        -
switch-failed    ?       ?       -        ?       ?       ready        ?       on-vf        -
";

#[rustfmt::skip]
pub(super) const HOST_LANE: &str = "
event            absent  offered plugging plugged ready  to-vf        on-vf  to-synthetic leaving
offer            offered no      -        -       no     no           no     no           -
revoke           no      absent  -        -       absent leaving      absent leaving      -
switch-vf        no      no      -        -       on-vf  .            .      .            -
switch-synthetic no      .       -        -       .      to-synthetic ready  .            -
lane-up          ?       ready   -        -       .      .            .      .            -
lane-down        ?       .       -        -       .      to-synthetic ready  .            -
lane-gone        ?       absent  -        -       absent leaving      absent leaving      -
recovering       ?       .       -        -       .      to-synthetic ready  .            -
recovered        ?       ?       -        -       ?      ?            ?      ?            -
guest-up-standby .       .       -        -       .      .            .      .            -
guest-up-plain   .       .       -        -       .      .            .      .            -
guest-down       .       .       -        -       .      .            .      .            -
vmm-up           .       .       -        -       .      .            .      .            -
vmm-lost         .       .       -        -       .      .            .      .            -
plugged          ?       ?       -        -       ?      ?            ?      ?            -
plug-failed      ?       ?       -        -       ?      ?            ?      ?            -
negotiated       ?       ?       -        -       ?      ?            ?      ?            -
unplug-asked     ?       ?       -        -       ?      ?            ?      ?            -
unplugged        ?       ?       -        -       ?      ?            ?      ?            -
unplug-failed    ?       ?       -        -       ?      ?            ?      ?            -
seen-vf          ?       .       -        -       .      .            .      .            -
seen-synthetic   .       .       -        -       .      .            .      .            -
answered         ?       .       -        -       .      .            .      .            -
overflowed       ?       ?       -        -       ?      ?            ?      ?            -
found            ?       ?       -        -       ?      ?            ?      ?            -
asked-vf         ?       ?       -        -       ?      ?            ?      ?            -
asked-synthetic  ?       ?       -        -       ?      ?            ?      ?            -
switched         ?       ?       -        -       ?      on-vf        ?      ready        -
switch-failed    ?       ?       -        -       ?      ready        ?      on-vf        -
";
