"""How is the answer to 「送られてきません」 said to a guardian on the telephone?

The order is that of telling: of two sentences that hold, the one that stands further up is the answer. A mail that was
taken by a server is accepted, and no sentence says that it arrived.
"""

from collections.abc import Mapping

#: What was found.
WHY: Mapping[str, str] = {
    "unusable": "“{address}” is not written like a mail address. {problem}",
    "unregistered": "{address} is not registered with any household.",
    "deregistered": "The household was taken off the roster at {at}; nothing goes to it since.",
    "confirmed": "Somebody opened the receipt URL in the mail to address {slots} at {at}.",
    "registered_later": "The household was registered at {at}, after the broadcast ({announced}).",
    "planned_before_registration": (
        "The household was registered at {at}, after the broadcast was planned ({announced})."
    ),
    "other_school": "The broadcast went to {schools}; the household is registered at {school}.",
    "moved": "The address stood in slot {then} when the broadcast left; it stands in slot {slots} now.",
    "planned_before_move": (
        "The address stood in slot {then} when the broadcast was planned; it stands in slot {slots} now."
    ),
    "no_address": "The household has registered no address.",
    "option_off": "“Receive broadcasts” is switched off in the options.",
    "option_still_off": "“Receive broadcasts” was switched off when the broadcast left, and it still is.",
    "option_was_off": "“Receive broadcasts” was switched off when the broadcast left; it is on now.",
    "planned_with_option_still_off": (
        "“Receive broadcasts” was switched off when the broadcast was planned, and it still is."
    ),
    "planned_with_option_off": (
        "“Receive broadcasts” was switched off when the broadcast was planned, so it does not go to the household. It"
        " is on now."
    ),
    "slot_3_or_4": "The address stands in slot {slots}; broadcasts go to slots 1 and 2 only.",
    "resting": "Nothing is sent to address {slots} since {since}, because mail to it kept coming back: {why}",
    "unwanted": "Nothing is sent to address {slots} since {since}, because our mail was reported there as unwanted.",
    "was_resting": "Nothing was sent to address {slots} then, because it rested. It is in use again.",
    "planned_when_resting": (
        "The broadcast does not go to address {slots}, because that rested when it was planned. It is in use again."
    ),
    "bad_address": "What is entered as address {slots} is not written like a mail address.",
    "unknown_school": "The school {school} is missing in our list of schools.",
    "refused": "{receiver} did not take the mail to address {slots} at {at}: {why} (answer: {reply})",
    "refused_by_our_fault": (
        "{receiver} did not take the mail to address {slots} at {at}. The fault is on our side ({why}); nothing is"
        " wrong with the address."
    ),
    "in_wave": (
        "{receiver} did not take the mail to address {slots} at {at}: {why} (answer: {reply}). But it refuses far more"
        " mail than usual since {wave}, so the address may be quite right."
    ),
    "returned": "{receiver} took the mail to address {slots} and sent it back at {at}: {why} (report: {reply})",
    "returned_unread": "{receiver} took the mail to address {slots} and sent it back at {at} (report: {reply})",
    "returned_by_our_fault": (
        "{receiver} took the mail to address {slots} and sent it back at {at}. The fault is on our side ({why});"
        " nothing is wrong with the address."
    ),
    "expired_unsaid": (
        "Whether {receiver} has the mail to address {slots} from an earlier attempt is not known. It had not said so by"
        " the deadline, {deadline}."
    ),
    "expired": "{receiver} did not take the mail to address {slots} by the deadline, {deadline}: {why}",
    "expired_by_our_fault": (
        "{receiver} did not take the mail to address {slots} by the deadline, {deadline}. The fault is on our side"
        " ({why}); nothing is wrong with the address."
    ),
    "never_tried": "The mail to address {slots} did not leave before the deadline, {deadline}.",
    "unknown_arrival": (
        "{receiver} broke off several times without an answer for address {slots}. Whether the mail is there is not"
        " known, so it is not sent once more before somebody of ours has looked."
    ),
    "held_by_operator": "The mail to address {slots} is held by our operators.",
    "held_until": "The mail to address {slots} is held by our operators until {until}.",
    "announcement_cancelled": "The broadcast was called off at {at}, before the mail to address {slots} left.",
    "cancelled_since": "The broadcast was called off at {at}; the mail to address {slots} is not sent once more.",
    "removed_by_operator": "Our operators took the mail to address {slots} out at {at}.",
    "left_with_household": "The mail to address {slots} was called off at {at}: the household had left the roster.",
    "in_window": "Maintenance goes on until {ends}; the mail to address {slots} leaves after it.",
    "suspended": "Our operators have stopped sending since {since}: {stop}. The mail to address {slots} waits.",
    "suspended_until": (
        "Our operators have stopped sending from {since} until {until}: {stop}. The mail to address {slots} waits."
    ),
    "put_off_by_our_fault": (
        "{receiver} has not taken the mail to address {slots} yet. The fault is on our side ({why}); nothing is wrong"
        " with the address. It is tried again at {next}, and until {deadline}."
    ),
    "put_off": (
        "{receiver} has not taken the mail to address {slots} yet: {why} (answer: {reply}). It is tried again at"
        " {next}, and until {deadline}."
    ),
    "not_made": (
        "The mail to address {slots} could not be made by our system yet, and has not left. It is tried again at"
        " {next}, and until {deadline}."
    ),
    "tried_again": (
        "Whether {receiver} has the mail to address {slots} from an earlier attempt is not known. It is tried again at"
        " {next}, and until {deadline}."
    ),
    "blocked_until": (
        "{receiver} takes no mail from us at present, so the mail to address {slots} waits. It is tried by itself at"
        " about {next}, and until {deadline}."
    ),
    "blocked": (
        "{receiver} takes no mail from us at present, so the mail to address {slots} waits. It is tried again and again"
        " by itself, until {deadline}."
    ),
    "scheduled": "The broadcast leaves at {at}; it is not sent yet.",
    "sending": "The mail to address {slots} is being handed over to {receiver} just now.",
    "queued": "The mail to address {slots} is about to be sent.",
    "changed": "The broadcast went to the address that was slot {slots} then. It was changed at {at}.",
    "emptied": "The address that was slot {slots} when the broadcast left is no longer entered; the slot is empty now.",
    "replaced": "The broadcast could not go to the address that was slot {slots} then. It was changed at {at}.",
    "planned_before_change": (
        "The broadcast goes to the address that was slot {slots} when it was planned. It was changed at {at}."
    ),
    "planned_before_emptying": (
        "The address that was slot {slots} when the broadcast was planned is no longer entered; the slot is empty now."
    ),
    "planned_without": (
        "The broadcast does not go to the address that was slot {slots} when it was planned. It was changed at {at}."
    ),
    "planned_before_entry": "Address {slots} was entered at {at}, after the broadcast was planned ({announced}).",
    "set_later": "Address {slots} was entered at {at}, after the broadcast ({announced}).",
    "complaint": (
        "{receiver} accepted the mail to address {slots} at {accepted}, and told us at {at} that it was reported as"
        " unwanted."
    ),
    "delayed": (
        "{receiver} accepted the mail to address {slots} at {accepted}, and wrote at {at} that it cannot be handed on"
        " yet: {why} (report: {reply}). It still tries."
    ),
    "perhaps_taken": "Whether {receiver} has the mail to address {slots} from an earlier attempt is not known.",
    "accepted": (
        "{receiver} ({host}) accepted the mail to address {slots} at {at} (answer: {reply}). What became of it there"
        " cannot be seen from here."
    ),
    "machine_only": (
        "{receiver} ({host}) accepted the mail to address {slots} at {at} (answer: {reply}). A program looked at its"
        " receipt URL, no person has opened it. What became of the mail there cannot be seen from here."
    ),
    "perhaps_twice": (
        "The mail to address {slots} may be there twice: at an earlier attempt the connection ended before {receiver}"
        " answered, so it was sent once more."
    ),
    "sent_again": (
        "The mail to address {slots} may be there twice: our operators had it sent once more after {receiver} had"
        " accepted it."
    ),
    "window_then": "There was maintenance from {begins} to {ends}: pages were closed, and all but urgent mail waited.",
    "window_now": "Maintenance goes on from {begins} to {ends}: pages are closed, and all but urgent mail waits.",
    "window_ahead": (
        "Maintenance is planned from {begins} to {ends}: pages will be closed, and all but urgent mail will wait."
    ),
    "confirmed_elsewhere": "The household confirmed the broadcast at {at} through address {slots}.",
    "being_written": "The notice to everyone is being written, household by household, and this one's turn will come.",
    "called_off": "The notice was called off at {at}, before a mail for this household was written.",
    "unaccounted": "Nothing is written down of this broadcast for this household.",
    "nothing_yet": "There was no broadcast for this household since it was registered at {at}.",
    # What speaks against an item of the check-list, or why it cannot be told.
    "was_opened": "The mail was opened.",
    "filter_unseen": "{receiver} accepted the mail; what its filters did cannot be seen from here.",
    "reach_unseen": "{receiver} accepted the mail; whether the phone was in reach cannot be seen from here.",
    "taken_unknown": "Whether {receiver} has the mail is not known.",
    "not_handed_over": "No carrier has this mail, so it is not held up there.",
    "no_window": "There was no maintenance from {begins} to {ends}.",
    "no_window_then": "There was no maintenance at {begins}.",
    "no_window_ahead": "No maintenance is planned for {begins}.",
    "no_window_now": "There is no broadcast to look at.",
    "stands": "It is registered as address {slots}; last changed at {since}.",
    "not_looked_at": "No address of the household is concerned.",
    "option_on": "“Receive broadcasts” was on when the broadcast left, and is on now.",
    "option_off_since": "“Receive broadcasts” was on when the broadcast left. It is off now: nothing comes any more.",
    "option_off_since_planned": (
        "“Receive broadcasts” was on when the broadcast was planned. It is off now: after it nothing comes any more."
    ),
    "option_is_on": "“Receive broadcasts” is on.",
    "not_registered": "It is not registered, so this cannot be told.",
    "slot_right": "It is about address {slots}.",
    "slot_any": "This notice goes to addresses 1 to 4.",
    "another_item": "Another item answers.",
    "nothing_open": "Nothing is left open.",
    # What to do.
    "do_nothing": "You need not do anything.",
    "do_ask_family": "Please ask in your family who has read it. You need not do anything else.",
    "do_type_again": "Please check how the address is spelled and tell it to us once more.",
    "do_register": (
        "If the address has changed, please enter the new one in the change menu of the site. If you have never"
        " registered, please ask for it at the school or here."
    ),
    "do_register_anew": "To get broadcasts again, please register anew at the school.",
    "do_next": "You will be sent the next broadcast; you need not do anything.",
    "do_mend_first": "To be sent the next broadcast, please see to what is said below.",
    "do_next_there": "The next broadcast goes to the address that is entered now; you need not do anything.",
    "do_right_school": (
        "If your child has changed school, please have the old registration ended and register at the new school."
    ),
    "do_enter": "Please enter an address as address 1 or 2 in the change menu of the site.",
    "do_enter_again": "Please enter the address again in the change menu of the site; check every letter.",
    "do_tick": "Please log in to the site, go by the change menu to the options, and tick “receive broadcasts”.",
    "do_move": "Please enter the address as address 1 or 2 in the change menu of the site.",
    "do_wake": (
        "Please make sure that the address still exists and can receive mail. Then enter it again in the change menu of"
        " the site, or tell us that it is right: then we send to it again."
    ),
    "do_wait": "Please wait a little; it leaves by itself, and you need not do anything.",
    "do_our_turn": "This is for our operators to mend; you need not do anything.",
    "do_their_turn": "This is a trouble of the receiving side, and none of yours. Our operators look after it.",
    "do_ask_school": "Please ask the school if it is to be sent again.",
    "do_look": (
        "① Please look for it in the folder for unwanted mail, and allow {sender} or the domain {domain}. {filter}"
        "\n③ If it is not there, ask your carrier, or whoever runs the mail of your workplace, for waiting mail. {ask}"
    ),
    # What to do where a carrier gave a reason that the guardian can mend.
    "do_address_unknown": "That address does not exist. If you have changed it, please enter the new one (④).",
    "do_domain_unknown": "What stands after the @ does not exist. Please check how the address is spelled (④).",
    "do_moved": "We were told that the address has moved. Please enter the new one in the change menu (④).",
    "do_not_accepting": "What stands after the @ takes no mail. Please check how the address is spelled (④).",
    "do_suspended": "Your address is stopped or at rest at the receiving side. Please check contract and address (④).",
    "do_relay_denied": "The receiving server does not know this address as its own. Please check the address (④).",
    "do_recipient_filter": (
        "The filter of your phone stops our mail (①). Please allow {sender} or the domain {domain}. {filter}"
    ),
    "do_mailbox_full": "Your mailbox is full (③). Please delete mail that you do not need. {ask}",
    "do_expired": "The receiving side did not take it in time (③). Please ask your carrier. {ask}",
    "do_complaint": (
        "Our mail was reported as unwanted from this address. If you want it, please tell us, and check that “receive"
        " broadcasts” is ticked (⑤)."
    ),
}

#: The place of each sentence in telling.
ORDER: Mapping[str, int] = {word: number for number, word in enumerate(WHY)}
