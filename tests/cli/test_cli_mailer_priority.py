"""Do the mailer and its workers leave the processor to what a person waits for?"""

import os
from pathlib import Path

from mailer.app import NICE
from tests.appliance import Appliance, free_ports
from tests.bench.processes import family


def test_they_stand_back(tmp_path: Path) -> None:
    dns, port = free_ports(2)
    made = Appliance(tmp_path, dns=dns, port=port)
    with made.serving("mailer") as child:
        processes = family(child.pid)
        assert len(processes) >= 2
        expected = max(NICE, os.getpriority(os.PRIO_PROCESS, 0))  # whoever runs the tests may stand back already
        assert {os.getpriority(os.PRIO_PROCESS, one) for one in processes} == {expected}
