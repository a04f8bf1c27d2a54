"""Our VGA's screens against QEMU's (tests/vga/)."""

from harness.test import Test, run_program


class Screens(Test):
    host_target = "host/screens"

    def run(self, context):
        program = str(context.build / self.host_target)
        log = context.directory / "output.log"
        run_program(context, context.make(program), 120, log)
        compare = ["python3", "-B", "tests/vga/compare.py", program, str(context.directory)]
        run_program(context, compare, self.time_limit, log)


TESTS = [Screens("unit-vga-qemu", time_limit=120)]
