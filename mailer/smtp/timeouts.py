"""How long do we wait for each reply?

Seconds from the moment when a reply is the oldest one awaited until it is complete; a server that drips gets no
more. RFC 5321 §4.5.3.2 asks for at least these times. It names none for EHLO, STARTTLS and RSET: they get that of
MAIL. The core names the stage, the edge watches the clock.
"""

from collections.abc import Mapping

from mailer.smtp.reply import Stage

TIMEOUTS: Mapping[Stage, float] = {
    Stage.CONNECT: 300.0,  # RFC 5321 §4.5.3.2.1 initial 220 message: 5 minutes
    Stage.EHLO: 300.0,
    Stage.STARTTLS: 300.0,
    Stage.MAIL: 300.0,  # RFC 5321 §4.5.3.2.2 MAIL: 5 minutes
    Stage.RCPT: 300.0,  # RFC 5321 §4.5.3.2.3 RCPT: 5 minutes
    Stage.DATA: 120.0,  # RFC 5321 §4.5.3.2.4 DATA initiation: 2 minutes
    Stage.EOD: 600.0,  # RFC 5321 §4.5.3.2.6 DATA termination: 10 minutes, with the 3 of §4.5.3.2.5 (data block) in them
    Stage.RSET: 300.0,
    Stage.QUIT: 5.0,  # everything is settled by then: courtesy alone, so shorter than the RFC's other times
}
