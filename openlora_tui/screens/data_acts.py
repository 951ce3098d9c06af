"""What the Data screen does about findings: goes through their rows, shows them alone, mends, puts aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.findings import Finding, Patch
from engine.inspection.talk import Mended, Spec
from engine.lessons.dismissals import About
from engine.text import one_line
from openlora_tui.advice import Advice, ordered
from openlora_tui.inspecting import Inspecting, View
from openlora_tui.screens.place import Place
from openlora_tui.trail import Trail, name_of
from openlora_tui.widgets.table import BigTable


class DataActs(Place):
    """The half of the screen that follows findings."""

    about: Inspecting
    trail: Trail | None = None
    """The finding whose rows one goes through."""
    _viewed: View | None = None
    """What the table was last found to show."""
    _here: int | None = None
    """The row to be at once the table shows something else."""

    @property
    def table(self) -> BigTable:
        """The rows."""
        raise NotImplementedError

    def paint_about(self) -> None:
        """Everything that is known of the data."""
        raise NotImplementedError

    def go_to(self, place: int) -> None:
        """To a place of the table."""
        raise NotImplementedError

    def open(self, spec: Spec) -> None:
        """Look at other data."""
        raise NotImplementedError

    def why_not_follow(self, id: str) -> str:
        """Why an action on findings does nothing now."""
        about = self.about
        if id in ("data_findings", "mend", "mend_all", "dismiss") and not about.findings:
            return "There are no findings: nothing was noticed that needs you."
        if id == "only_these" and self.trail is None and (about.view is None or not about.view.finding):
            return f"Choose a finding first; {self.tui.facts().key('data_findings')} lists them."
        if id == "mend" and not any(finding.patch for finding in about.findings):
            return "None of the findings has a patch."
        if id == "mend_all" and not any(each.patch and each.patch.data for each in about.heeded):
            return "None of the findings has a patch that writes a new dataset."
        return ""

    # --- advice ---

    def advice(self) -> Advice:
        """What was noticed in the rows."""
        about, report = self.about, self.about.report
        if about.spec is None:
            return Advice(about="no data", well="There is no data to look at yet.", sound=False)
        if about.problem is not None and report is None:
            return Advice(about="the data", well=one_line(about.problem.get("what", "")), sound=False)
        subject = About(files=about.spec.files, model=about.spec.model)
        wide = self.tui.advising.aside(about.findings, subject)
        aside = [finding for finding in about.findings if finding in about.dismissed or finding in wide]
        return Advice(
            about="the data",
            findings=ordered(about.findings, aside),
            aside=aside,
            looking="" if report is not None and report.done else "reading the rows",
            well=f"Nothing was noticed in {about.rows:,} rows.",
            subject=subject,
        )

    def takes(self, patch: Patch, finding: Finding | None) -> bool:
        """Patches of data are applied as the Data screen does."""
        if finding is not None and patch.data:
            self.mend(finding)
        return bool(patch.data)

    def takes_back(self, finding: Finding) -> None:
        """Show a finding again that was put aside for this data on this screen."""
        if finding in self.about.dismissed:
            self.about.dismissed.turn(finding)
            self.paint_about()

    # --- findings ---

    def do_data_findings(self) -> None:
        """All findings."""
        self.run_worker(self._read_findings(), exclusive=True, group="findings")

    async def _read_findings(self) -> None:
        from openlora_tui.modals.data_findings import DataFindings

        first = name_of(self.trail.finding) if self.trail is not None else ""
        wish = await self.app.push_screen_wait(DataFindings(self.about, first))
        self.paint_about()
        if wish is None:
            return
        what, finding = wish
        if what == "mend":
            self.mend(finding)
            return
        self.follow(finding)
        if what == "only":
            self.do_only_these()

    def follow(self, finding: Finding) -> None:
        """Begin to go through the rows of a finding."""
        self.table.wanted = ""
        self.trail = Trail(finding)
        self.about.ask_members(finding)
        self.catch_up()

    def catch_up(self) -> None:
        """Take in rows that have come: of another view, or of the finding that one follows."""
        if self.about.view is not self._viewed:
            self._viewed = self.about.view
            place = self.about.place(self._here) if self._here is not None else None
            self.go_to(place or 0)
        trail = self.trail
        if trail is None:
            return
        members = self.about.members.get(trail.finding.check)
        if members is None or len(members.rows) == len(trail.rows):
            return
        begin, trail.rows = not trail.rows, members.rows
        if begin and trail.row is not None:
            self._go_to_row(trail.row)

    def step(self, way: int) -> None:
        """To the next row of the finding, or the one before."""
        if self.trail is None:
            return
        view = self.about.view
        if view is not None and view.finding and 0 <= self.table.cursor + way < self.about.count:
            self.go_to(self.table.cursor + way)
        elif (view is None or not view.finding) and self.trail.go(way) and self.trail.row is not None:
            self._go_to_row(self.trail.row)
            self.paint_about()
        else:
            self.tui.tell(f"That was the {'last' if way > 0 else 'first'} row of this finding.")

    def _go_to_row(self, number: int) -> None:
        place = self.about.place(number)
        if place is not None:
            self.go_to(place)
            return
        self._here = number
        self.about.arrange(None, "", down=False)
        self.catch_up()

    def do_only_these(self) -> None:
        """The rows of the finding alone, or all again; the order stays."""
        view = self.about.view
        by, down = (view.by, view.down) if view is not None else ("", False)
        alone = view is not None and bool(view.finding)
        if alone:
            self._rearrange(None, by, down=down)
        elif self.trail is not None:
            self._rearrange(self.trail.finding, by, down=down)

    def _rearrange(self, finding: Finding | None, by: str, *, down: bool) -> None:
        self._here = self.about.number(self.table.cursor)
        self.about.arrange(finding, by, down=down)
        self.catch_up()
        self.paint_about()

    def do_dismiss(self) -> None:
        """Put the finding that one follows aside."""
        if self.trail is None:
            self.do_data_findings()
            return
        finding = self.trail.finding
        try:
            self.about.dismissed.turn(finding)
        except OSError as error:
            self.tui.tell(f"It cannot be put aside: {error.strerror or error}.")
            return
        self.end_trail()
        self.tui.tell(f"Put aside for this data: {one_line(finding.title, 60)}", good=True)

    def end_trail(self) -> None:
        """All rows again, and no finding to follow."""
        self.trail = None
        self._rearrange(None, "", down=False)

    def do_close(self) -> None:
        """All rows in their order."""
        if self.trail is not None or self.about.view is not None:
            self.end_trail()

    # --- the mapping ---

    def do_map_columns(self) -> None:
        """Say what the columns mean."""
        self.run_worker(self._map(), exclusive=True, group="findings")

    async def _map(self) -> None:
        from engine.mapping.check import mapping_of
        from openlora_tui.modals.mapping import MappingPage

        words = await self.app.push_screen_wait(MappingPage(self.about))
        spec = self.about.spec
        if words is not None and spec is not None:
            self.tui.change_recipe({"mapping": words})
            self.open(replace(spec, mapping=mapping_of(words)))

    # --- the order ---

    def do_sort_rows(self) -> None:
        """Choose an order."""
        self.run_worker(self._sort(), exclusive=True, group="findings")

    async def _sort(self) -> None:
        from openlora_tui.modals.order import order

        chosen = await self.app.push_screen_wait(order(self.about))
        if chosen is None:
            return
        view = self.about.view
        way, _, by = chosen.partition(":")
        finding = self.trail.finding if self.trail is not None and view is not None and view.finding else None
        self._rearrange(finding, by, down=way == "down")
        if by:
            self._here = None

    # --- mending ---

    def do_mend(self) -> None:
        """Apply the patch of the finding that one follows; without one, choose."""
        if self.trail is not None and self.trail.finding.patch is not None:
            self.mend(self.trail.finding)
        else:
            self.do_data_findings()

    def mend(self, finding: Finding) -> None:
        """Apply the patch of a finding."""
        patch = finding.patch
        if patch is None:
            return
        if patch.recipe:
            self.tui.change_recipe(patch.recipe)
        if patch.data:
            self.run_worker(self._mend(patch.data), exclusive=True, group="mend")

    def do_mend_all(self) -> None:
        """All patches that write a new dataset, in one."""
        words = [word for finding in self.about.heeded if finding.patch for word in finding.patch.data]
        self.run_worker(self._mend(list(dict.fromkeys(words))), exclusive=True, group="mend")

    async def _mend(self, words: Sequence[str]) -> None:
        """Ask for a name, have it written, and offer to look at it."""
        from openlora_tui.modals import pick, recipes

        if self.about.mending is not None:
            self.tui.tell("A new dataset is being written already.")
            return
        files = self.about.spec.files if self.about.spec is not None else ["data"]
        stem = Path(files[0]).name.partition(".")[0]
        name = recipes.free_name(self.tui.folder, f"{stem}-mended", ".jsonl")
        target = await self.app.push_screen_wait(pick.new_data(self.tui.folder, name))
        if target is not None:
            self.about.mend(words, target)
            self.paint_about()

    def follow_mending(self) -> None:
        """Say what came of a new dataset, and offer to look at it."""
        mending = self.about.mending
        if mending is None or not mending.ended:
            return
        self.about.mending = None
        if mending.problem is not None:
            self.tui.tell_problem(mending.problem)
        else:
            self.run_worker(self._offer(mending), exclusive=True, group="mend")

    async def _offer(self, made: Mended) -> None:
        from openlora_tui.modals.ask import Ask, Choice

        name = one_line(Path(made.path).name, 40)
        text = f"{name} has {made.rows:,} rows; there were {made.before:,}. The source is as it was."
        look = Choice("look", "look at it", "and take it on to the recipe")
        stay = Choice("stay", "stay here", "the file is there for later")
        answer = await self.app.push_screen_wait(Ask("The new dataset is written", text, [look, stay]))
        spec = self.about.spec
        if answer == "look" and spec is not None:
            self.open(replace(spec, files=[made.path]))
