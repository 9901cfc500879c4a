// Every transition of a screening, as docs/rules.md lists them under "The verdict": one timeline each. What they are played for
// stands in ScreeningStateTests.swift. Skin is 1.6 °C below the body, and gates are left out of what happens.

import Testing

@testable import Rules

/// One transition: what leads there, and what happens on the way.
struct ScreeningTransition: Sendable, CustomTestStringConvertible {
  var name: String
  var happens: [String]
  var text: String
  var testDescription: String { name }
}

private func transition(_ name: String, _ happens: [String], _ text: String) -> ScreeningTransition {
  ScreeningTransition(name: name, happens: happens, text: text)
}

private let suspected = ["began 1", "alarm 1 suspected_fever medium", "denied 1 elevated: suspect"]
private let resting = ["began 1", "alarm 1 suspected_fever high", "denied 1 high: rest"]
private let untested = resting + ["called 1", "denied 1 normal: contact_test"]
private let rest = "0 nobody\n3 skin 36.6\n5 nobody\n"
private let contactTest = rest + "10 resume 1\n11 skin 35.0\n13 nobody\n"

let screeningTransitions = [
  // At the thermometer
  transition("free: somebody comes → measuring; who leaves → abandoned", ["began 1", "abandoned 1 left"], """
    0    nobody
    3    skin 35.0
    3.4  nobody
    6    end
    """),
  transition("free: the thermometer does not count → no result", ["alarm 1 lane_out_of_order medium", "began 1", "denied 1 humidity: no_result"], """
    0    with hall
    0    nobody
    3    humidity 85
    12   skin 35.0
    14   nobody
    """),
  transition("measuring: it goes away meanwhile → no result", ["began 1", "denied 1 device_unhealthy: no_result"], """
    0    nobody
    3    skin 35.0
    3.3  bad
    4    nobody
    """),
  transition("measuring: three times too few → no result", ["began 1", "denied 1 too_few: no_result"], """
    0    with presence
    0    presence off
    0    nobody
    3    presence on
    40   presence off
    42   end
    """),
  transition("measuring: three times too scattered → no result", ["began 1", "denied 1 scattered: no_result"],
    "0 nobody\n" + (0..<400).map { "\(3 + Double($0) * 0.1) skin \($0 % 2 == 0 ? 34.0 : 34.6)\n" }.joined() + "44 nobody\n46 end"),
  transition("measuring: too long, try after try → no result", ["began 1", "denied 1 too_long: no_result"], """
    0    with longest 20
    0    with identity required
    0    nobody
    3    skin 35.0
    30   nobody
    32   end
    """),
  transition("measuring: below 35.0 → cold wait", ["began 1", "denied 1 low: cold_wait"], """
    0    nobody
    3    skin 33.0
    5    nobody
    """),
  transition("measuring: below 37.0 → passed", ["began 1", "passed 1 normal"], """
    0    nobody
    3    skin 35.0
    5    nobody
    5    passage on
    5.5  passage off
    9    end
    """),
  transition("measuring: 37.0 to below 37.3 → retake; below 37.3 → passed", ["began 1", "denied 1 borderline: retake", "passed 1 normal"], """
    0    nobody
    3    skin 35.5
    10   nobody
    """),
  transition("measuring: 37.3 to below 38.0 → suspect; again → rest", suspected + ["denied 1 elevated: rest"], """
    0    nobody
    3    skin 35.8
    12   nobody
    """),
  transition("measuring: 38.0 and above → rest", resting, rest + "6 end"),
  transition("measuring: above the limit of the relative rule → suspect → rest",
    ["began 1", "passed 1 normal", "began 2", "passed 2 normal", "began 3", "passed 3 normal", "began 4", "alarm 1 suspected_fever medium",
     "denied 4 relative: suspect", "denied 4 relative: rest"], """
    0    with relative
    0    nobody
    3    skin 34.8
    5    nobody
    15   skin 34.8
    17   nobody
    27   skin 34.8
    29   nobody
    39   skin 35.5
    50   nobody
    """),
  transition("measuring: somebody else steps in → nobody's", ["began 1", "denied 1 second_person: measuring", "abandoned 1 second_person"], """
    0    nobody
    3    skin 35.0
    3.5  skin 36.8
    10   nobody
    """),
  transition("measuring: a credential failed → denied", ["began 1", "denied 1 credential: none"], """
    0    nobody
    3    skin 35.0
    3.4  credential failed
    8    nobody
    """),
  transition("measuring: nobody knows who it is → no result", ["began 1", "denied 1 no_identity: no_result"], """
    0    with identity required
    0    nobody
    3    skin 35.0
    40   nobody
    """),
  transition("retake: 37.3 and above → suspect", ["began 1", "denied 1 borderline: retake", "alarm 1 suspected_fever medium", "denied 1 elevated: suspect", "denied 1 elevated: rest"], """
    0    nobody
    3    skin 35.5
    4    skin 35.8
    16   nobody
    """),
  transition("suspect: normal → suspect; normal again → passed", suspected + ["denied 1 normal: suspect", "passed 1 normal"], """
    0    nobody
    3    skin 35.8
    4    skin 35.2
    17   nobody
    """),
  transition("suspect: normal → suspect; elevated again → rest", suspected + ["denied 1 normal: suspect", "denied 1 elevated: rest"], """
    0    nobody
    3    skin 35.8
    4    skin 35.2
    10   skin 35.8
    20   nobody
    """),
  transition("suspect: 38.0 and above → rest", suspected + ["cleared 1 suspected_fever", "alarm 2 suspected_fever high", "denied 1 high: rest"], """
    0    nobody
    3    skin 36.2
    4    skin 36.6
    12   nobody
    """),
  transition("suspect: no result → rest", suspected + ["alarm 2 lane_out_of_order medium", "denied 1 device_unhealthy: rest"], """
    0    nobody
    3    skin 35.8
    5    bad
    7    nobody
    """),
  transition("suspect: somebody else steps in → rest", suspected + ["denied 1 second_person: rest"], """
    0    nobody
    3    skin 35.8
    5    skin 34.0
    12   nobody
    """),
  transition("suspect: a credential failed → rest", suspected + ["denied 1 credential: rest"], """
    0    nobody
    3    skin 35.8
    5    credential failed
    8    nobody
    """),
  transition("suspect: leaves → abandoned, and refused at every lane",
    suspected + ["abandoned 1 left", "alarm 2 suspect_left medium", "b denied 0 refused: none", "b denied 0 refused: none", "cleared 2 suspect_left", "b began 2", "b passed 2 normal"], """
    0    with identity
    0    nobody
    0    b nobody
    2    show ann
    3    skin 35.8
    5    nobody
    10   b show ann
    11   b skin 35.0
    20   b nobody
    25   clear 2
    30   b show ann
    31   b skin 35.0
    33   b nobody
    """),
  // After a rest
  transition("rest: before its time → refused; nobody comes in 30 min → abandoned",
    resting + ["refused too_early", "abandoned 1 too_long", "alarm 2 suspect_left medium"], """
    0    with rest 300
    0    nobody
    3    skin 36.6
    5    nobody
    100  resume 1
    1810 end
    """),
  transition("rest: the same thermometer → contact test", untested, contactTest),
  transition("rest: another lane's, below 37.3 → passed",
    resting + ["b called 1", "b alarm 2 suspected_fever medium", "b called 1", "b passed 1 cleared_after_rest"], "0 b nobody\n" + rest + """
    10   resume 1 b
    11   b skin 35.0
    13   b nobody
    """),
  transition("rest: another lane's, 37.3 and above → contact test",
    resting + ["b called 1", "b alarm 2 suspected_fever medium", "b called 1", "b denied 1 elevated: contact_test"], "0 b nobody\n" + rest + """
    10   resume 1 b
    11   b skin 35.9
    13   b nobody
    """),
  transition("rest: a second one's, below 37.3 → passed", resting + ["called 1", "passed 1 cleared_after_rest"], "0 with second\n" + rest + """
    10   resume 1
    11   second 35.6
    13   second 22
    20   end
    """),
  transition("rest: a second one's, 37.3 and above → contact test", resting + ["called 1", "denied 1 elevated: contact_test"], "0 with second\n" + rest + """
    10   resume 1
    11   second 36.4
    13   second 22
    """),
  transition("rest: twice without a result → contact test", resting + ["called 1", "denied 1 low: rest", "called 1", "denied 1 low: contact_test"], rest + """
    10   resume 1
    11   skin 33.0
    13   nobody
    20   resume 1
    21   skin 33.1
    23   nobody
    """),
  transition("rest: by identity, at another lane", resting + ["b alarm 2 suspected_fever medium", "b called 1", "b passed 1 cleared_after_rest"], """
    0    with identity required
    0    nobody
    0    b nobody
    2    show ann
    3    skin 36.6
    5    nobody
    10   b show ann
    11   b skin 35.0
    13   b nobody
    """),
  transition("rest: called, and shows who they are", resting + ["called 1", "denied 1 normal: contact_test", "called 1", "denied 1 normal: contact_test"], """
    0    with identity
    0    nobody
    3    skin 36.6
    5    nobody
    10   resume 1
    11   show ann
    14   skin 35.0
    16   nobody
    20   show ann
    22   skin 35.0
    24   nobody
    """),
  transition("rest: called, and nobody comes", resting + ["called 1"], "0 with identity\n" + rest + "10 resume 1\n15 end"),
  transition("rest: called, and waited for", resting + ["called 1", "denied 1 normal: contact_test"], rest + """
    10   resume 1
    14   skin 35.0
    16   nobody
    """),
  transition("rest: who is measured comes and goes", untested + ["called 1", "denied 1 normal: contact_test"], rest + """
    10   resume 1
    14   skin 35.0
    16   nobody
    20   resume 1
    24   skin 35.1
    26   nobody
    """),
  // Contact test
  transition("contact test: any infrared reading → contact test", untested + ["called 1", "denied 1 normal: contact_test"], contactTest + """
    20   resume 1
    21   skin 35.1
    23   nobody
    """),
  transition("contact test: 37.3 and above → isolate", untested + ["confirmed", "isolated 1"], contactTest + "20 contact 1 37.3\n25 end"),
  transition("contact test: in the ear 37.7 → isolate", untested + ["confirmed", "isolated 1"], contactTest + "20 contact 1 37.7 ear\n25 end"),
  transition("contact test: below, without a reason → refused", untested + ["refused who_and_why_required"], contactTest + "20 contact 1 36.6 unexplained\n25 end"),
  transition("contact test: below → passed", untested + ["passed 1 contact_normal"], contactTest + "20 contact 1 36.6\n30 end"),
  transition("contact test: in the ear, below → passed", untested + ["passed 1 contact_normal"], contactTest + "20 contact 1 37.6 ear\n30 end"),
  transition("contact test: nobody can be that warm → refused", untested + ["refused implausible"], contactTest + "20 contact 1 98.6\n25 end"),
  transition("contact test: somebody else at the lane → refused", untested + ["began 2", "refused lane_busy", "denied 2 borderline: retake", "abandoned 2 left"], contactTest + """
    20   skin 35.4
    20.5 contact 1 36.6
    22   nobody
    """),
  // Cold wait, no result
  transition("cold wait: again low → no result", ["began 1", "denied 1 low: cold_wait", "called 1", "denied 1 low: no_result"], """
    0    nobody
    3    skin 33.0
    5    nobody
    8    resume 1
    9    skin 33.1
    11   nobody
    """),
  transition("cold wait: normal → passed", ["began 1", "denied 1 low: cold_wait", "refused too_early", "called 1", "passed 1 normal"], """
    0    with cold_wait 20
    0    nobody
    3    skin 33.0
    5    nobody
    8    resume 1
    30   resume 1
    31   skin 35.0
    33   nobody
    """),
  transition("cold wait: elevated → suspect → rest",
    ["began 1", "denied 1 low: cold_wait", "called 1", "alarm 1 suspected_fever medium", "denied 1 elevated: suspect", "denied 1 elevated: rest"], """
    0    nobody
    3    skin 33.0
    5    nobody
    8    resume 1
    9    skin 35.9
    20   nobody
    """),
  transition("cold wait: nobody comes in 30 min → abandoned", ["began 1", "denied 1 low: cold_wait", "abandoned 1 too_long"], """
    0    nobody
    3    skin 33.0
    5    nobody
    1810 end
    """),
  transition("no result: a contact reading, elevated → isolate",
    ["began 1", "denied 1 device_unhealthy: no_result", "alarm 1 suspected_fever high", "confirmed", "isolated 1"], """
    0    nobody
    3    skin 35.0
    3.3  bad
    4    nobody
    10   contact 1 38.2
    15   end
    """),
  transition("no result: measured again → passed", ["began 1", "denied 1 device_unhealthy: no_result", "called 1", "passed 1 normal"], """
    0    nobody
    3    skin 35.0
    3.3  bad
    4    nobody
    10   resume 1
    11   skin 35.0
    13   nobody
    """),
  // In somebody's name, or for all
  transition("at the lane: staff decide → passed", suspected + ["passed 1 overridden"], """
    0    nobody
    3    skin 35.8
    6    override
    8    nobody
    """),
  transition("with a ticket: staff decide → passed", resting + ["passed 1 overridden"], rest + "10 override 1\n20 end"),
  transition("nobody there: staff open for one", [], "0 nobody\n3 override\n4 passage on\n4.4 passage off\n9 end"),
  transition("free: fire → released → returned", ["hold", "released fire", "alarm 1 gate_unscreened high", "returned", "cleared 1 gate_unscreened"], """
    0    nobody
    3    fire on
    6    fire off
    9    end
    """),
  transition("retake: staff button → released; measured when it is shut again",
    ["began 1", "denied 1 borderline: retake", "hold", "released staff", "alarm 1 gate_unscreened high", "returned", "cleared 1 gate_unscreened", "passed 1 normal"], """
    0    nobody
    3    skin 35.4
    5    staff on
    11   staff off
    12   nobody
    """),
  transition("measuring: an incident → no result", ["began 1", "denied 1 borderline: retake", "denied 1 suspended: no_result", "denied 0 suspended: none"], """
    0    nobody
    3    skin 35.4
    6    admit suspended
    12   nobody
    15   skin 35.0
    18   nobody
    """),
  transition("pass: shut, and read back shut → free", ["began 1", "passed 1 normal", "began 2", "passed 2 normal"], """
    0    nobody
    3    skin 35.0
    4    nobody
    4    passage on
    4.4  passage off
    8    skin 35.1
    10   nobody
    """),
]
