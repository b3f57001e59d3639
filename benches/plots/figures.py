"""The figures of one run, as the bench wrote them."""

import json
import statistics


class Run:
    """All cases of a run: rounds of each peer, ratios of greenroom to each rival, targets."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.data = json.load(file)
        self.cases = {case["case"]: case for case in self.data["cases"]}

    def rounds(self, case):
        """By peer, greenroom first; empty if the case was not run."""
        rounds = self.cases.get(case, {}).get("rounds", {})
        return dict(sorted(rounds.items(), key=lambda item: item[0] != "greenroom"))

    def ratios(self, case):
        return self.cases.get(case, {}).get("ratios", {})

    def median(self, case, peer):
        return statistics.median(self.rounds(case)[peer])

    def targets(self):
        return self.data.get("targets", [])

    def series(self, cases):
        """By peer: (x, lower quartile, median, upper quartile) for each case, a pair of x and name, that the peer ran."""
        series = {}
        for x, case in cases:
            for peer, rounds in self.rounds(case).items():
                series.setdefault(peer, []).append((x, *quartiles(rounds)))
        return series


def quartiles(rounds):
    if len(rounds) == 1:
        return rounds[0], rounds[0], rounds[0]
    low, median, high = statistics.quantiles(rounds, n=4, method="inclusive")
    return low, median, high
