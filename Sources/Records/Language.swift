// Records are read by people at the site and by inspectors: every heading and every word a record uses stands here in both
// languages, beside each other.

/// The language of a record.
public enum Language: String, Sendable, CaseIterable {
  case english = "en"
  case chinese = "zh"
}

/// One phrase in each language.
public struct Phrase: Sendable, Equatable {
  public var english: String
  public var chinese: String

  public init(_ english: String, _ chinese: String) {
    self.english = english
    self.chinese = chinese
  }

  public func callAsFunction(_ language: Language) -> String {
    switch language {
    case .english: english
    case .chinese: chinese
    }
  }
}

/// A word of an event as people write it; one that is not known here is shown as it stands.
func phrase(_ word: String) -> Phrase { words[word] ?? Phrase(word.replacing("_", with: " "), word.replacing("_", with: " ")) }

/// Whether a record can say this word of an event in both languages.
func isTranslated(_ word: String) -> Bool { words[word] != nil }

private let words: [String: Phrase] = [
  // Verdicts and where a screening goes.
  "passed": Phrase("passed", "通过"), "denied": Phrase("not now", "暂不放行"), "abandoned": Phrase("left", "离开"),
  "isolated": Phrase("isolated", "隔离"), "isolate": Phrase("isolate", "隔离"), "override": Phrase("let through by staff", "人工放行"),
  "none": Phrase("none", "无"), "measuring": Phrase("measuring", "测量中"), "retake": Phrase("measure again", "复测"),
  "suspect": Phrase("suspected fever", "疑似发热"), "cold_wait": Phrase("wait to warm up", "等待回暖"), "rest": Phrase("rest", "休息后复测"),
  "contact_test": Phrase("contact thermometer", "接触式体温计"), "no_result": Phrase("no result", "无结果"),
  // Why.
  "normal": Phrase("normal", "正常"), "borderline": Phrase("borderline", "接近阈值"), "elevated": Phrase("elevated", "偏高"),
  "high": Phrase("high", "高"), "low": Phrase("low", "低"), "scattered": Phrase("readings too scattered", "读数分散"),
  "too_few": Phrase("too few readings", "读数不足"), "device_unhealthy": Phrase("thermometer not fit", "测温设备异常"),
  "second_person": Phrase("somebody else stepped in", "换人"), "left": Phrase("left", "离开"), "too_long": Phrase("took too long", "超时"),
  "overridden": Phrase("decided by staff", "人工决定"), "resumed": Phrase("called back", "叫回"),
  "contact_normal": Phrase("contact thermometer normal", "接触式体温正常"), "contact_elevated": Phrase("contact thermometer elevated", "接触式体温偏高"),
  "table_full": Phrase("no ticket left", "候测号已满"), "relative": Phrase("warmer than the people before", "高于前面人群"),
  "warming_up": Phrase("warming up", "预热中"), "ambient": Phrase("air temperature out of range", "环境温度超范围"),
  "humidity": Phrase("humidity out of range", "湿度超范围"), "calibration_overdue": Phrase("calibration overdue", "校准过期"),
  "reference_off": Phrase("reference off", "黑体偏差"), "reference_moves": Phrase("reference moves", "黑体漂移"), "stuck": Phrase("thermometer stuck", "读数不变"),
  "suspended": Phrase("entries suspended", "暂停入场"), "no_identity": Phrase("no identity shown", "未出示身份"),
  "no_credential": Phrase("no credential", "未核验凭证"), "not_on_roster": Phrase("not on the roster", "不在名单内"),
  "cleared_after_rest": Phrase("normal after a rest, another thermometer", "休息后另一设备正常"),
  "too_early": Phrase("the wait is not over", "等候时间未到"), "credential": Phrase("credential check", "凭证核验"),
  "elsewhere": Phrase("stands at another lane", "正在其他通道"),
  // Alarms.
  "suspected_fever": Phrase("suspected fever", "疑似发热"), "suspect_left": Phrase("suspect left", "疑似发热者离开"),
  "gate_jammed": Phrase("gate jammed", "闸机卡住"), "gate_unscreened": Phrase("gate open, unscreened", "闸机敞开未测温"),
  "tailgating": Phrase("tailgating", "尾随"), "lane_out_of_order": Phrase("lane out of order", "通道故障"), "air_high": Phrase("CO2 high", "二氧化碳过高"),
  "air_mean": Phrase("CO2 hourly mean high", "二氧化碳小时均值超标"), "air_advice": Phrase("CO2: air the room", "二氧化碳偏高，请通风"),
  "device_silent": Phrase("device silent", "设备无应答"), "device_fault": Phrase("device fault", "设备故障"), "port_lost": Phrase("port lost", "接口断开"),
  "log_stalled": Phrase("log stalled", "日志停滞"), "clock_unsynchronised": Phrase("clock not synchronised", "时钟未同步"),
  "events_lost": Phrase("events lost", "事件丢失"), "lane_drift": Phrase("lane drifts", "通道测温漂移"), "calibration_due": Phrase("calibration due", "校准将到期"),
  "thermometer_stuck": Phrase("thermometer stuck", "体温计读数不变"), "thermometer_normalising": Phrase("thermometer flatters", "体温计疑似修正读数"),
  "confirmed_fever": Phrase("confirmed fever", "确认发热"), "not_isolated": Phrase("not isolated in time", "未及时隔离"),
  "isolation_room": Phrase("isolation room missing or unfit", "隔离室缺失或不适用"), "disinfection_overdue": Phrase("disinfection overdue", "消毒超期"),
  "fresh_air": Phrase("too little fresh air", "新风不足"), "over_capacity": Phrase("too many people", "人数超限"),
  "slot_at_risk": Phrase("slot at risk", "通风时段将错过"), "ventilation_late": Phrase("ventilation late", "通风未及时开始"),
  "sensors_disagree": Phrase("sensors disagree", "传感器读数不一致"), "sensor_stuck": Phrase("sensor stuck", "传感器读数不变"),
  "baseline_drift": Phrase("baseline drifts", "传感器基线漂移"), "session_start": Phrase("session begins", "场次开始"),
  "session_end": Phrase("session ends", "场次结束"), "occupants": Phrase("head count", "登记人数"), "ventilation_begin": Phrase("ventilation begins", "登记开始通风"),
  "ventilation_end": Phrase("ventilation ends", "登记结束通风"),
  "alarm_flood": Phrase("flood of alarms", "报警泛滥"),
  "medium": Phrase("medium", "中"), "unacknowledged": Phrase("unacknowledged", "未确认"), "acknowledged": Phrase("acknowledged", "已确认"),
  "returned_unacknowledged": Phrase("over, unacknowledged", "已恢复未确认"), "latched_unacknowledged": Phrase("latched, unacknowledged", "锁存未确认"),
  "latched_acknowledged": Phrase("latched, acknowledged", "锁存已确认"), "shelved": Phrase("shelved", "搁置"),
  "suppressed_by_design": Phrase("suppressed by design", "设计抑制"), "out_of_service": Phrase("out of service", "停用"), "cleared": Phrase("cleared", "已解除"),
  "proof_failed": Phrase("alert path failed", "报警通路测试失败"), "proof_overdue": Phrase("alert path not proven", "报警通路未测试"),
  "alert_check": Phrase("alert check: seen?", "请确认声光报警"), "prove": Phrase("prove the alert path", "测试报警通路"),
  // Periods.
  "hour": Phrase("hour", "小时"), "day": Phrase("day", "全天"),
  // Devices.
  "silent": Phrase("silent", "无应答"), "rejected": Phrase("answers rejected", "应答无效"), "exception": Phrase("refused to answer", "拒绝应答"),
  "wrong_device": Phrase("another device", "设备不符"), "door_down": Phrase("door not running", "系统未运行"),
  // Ventilation.
  "window": Phrase("window", "开窗"), "fan": Phrase("fan", "排风扇"), "airflow": Phrase("fresh air", "新风"), "co2": Phrase("seen in CO2", "由CO2判断"),
  "declared": Phrase("declared", "人工登记"), "effective": Phrase("effective", "有效"), "ineffective": Phrase("too little", "不足"),
  "not_verified": Phrase("not verified", "未核实"), "morning": Phrase("morning", "上午"), "afternoon": Phrase("afternoon", "下午"),
  "after_session": Phrase("after the session", "场次结束后"), "met": Phrase("met", "达标"), "short": Phrase("short", "不足时长"),
  "missed": Phrase("missed", "未通风"), "unverifiable": Phrase("unverifiable", "无法核实"),
  // Cases, rooms, the site.
  "fever": Phrase("fever", "发热"), "symptom": Phrase("symptom", "症状"), "case_opened": Phrase("opened", "登记"), "case_isolated": Phrase("isolated", "已隔离"),
  "case_reported": Phrase("reported", "已报告"), "case_contacts_listed": Phrase("contacts listed", "接触者已登记"),
  "case_room_added": Phrase("room added", "增加涉及房间"), "case_handed_over": Phrase("handed over", "已移交"), "case_closed": Phrase("closed", "结案"),
  "room_locked": Phrase("room locked", "房间封闭"), "room_freed": Phrase("room freed", "房间解封"), "site_opened": Phrase("site opened", "场所开放"),
  "site_closed": Phrase("site closed", "场所关闭"), "site_attested": Phrase("attested", "已确认落实"), "incident_began": Phrase("incident began", "事件开始"),
  "incident_ended": Phrase("incident ended", "事件解除"), "spray": Phrase("spray", "喷洒"), "wipe": Phrase("wipe", "擦拭"),
  "ultraviolet": Phrase("ultraviolet", "紫外线"), "fog": Phrase("fog", "喷雾"), "other": Phrase("other", "其他"),
  "same_lane": Phrase("same lane", "同一通道"), "same_session": Phrase("same session", "同一场次"),
  "open": Phrase("open", "处置中"), "closed": Phrase("closed", "已结案"),
  // What an order was about.
  "ticket": Phrase("ticket", "候测号"), "occurrence": Phrase("alarm no.", "报警编号"), "case": Phrase("case", "个案"), "people": Phrase("people", "人数"),
  "opened": Phrase("opened", "登记"), "reported": Phrase("reported", "已报告"), "contacts_listed": Phrase("contacts listed", "接触者已登记"),
  "room_added": Phrase("room added", "增加涉及房间"), "handed_over": Phrase("handed over", "已移交"), "failed": Phrase("failed", "未通过"),
  // Why an order was refused.
  "expired": Phrase("came too late", "指令过期"), "unknown_alarm": Phrase("no such alarm", "无此报警"), "unknown_ticket": Phrase("no such ticket", "无此候测号"),
  "unknown_lane": Phrase("no such lane", "无此通道"), "not_waiting": Phrase("does not wait", "不在等候"), "lane_busy": Phrase("lane busy", "通道占用"),
  "lane_released": Phrase("lane released", "通道已应急放行"), "who_and_why_required": Phrase("who and why required", "须登记姓名和原因"),
  "gate_unavailable": Phrase("gate unavailable", "闸机不可用"), "implausible": Phrase("implausible", "数值不合理"),
  "value_not_allowed": Phrase("value not allowed", "数值不允许"), "device_unavailable": Phrase("device unavailable", "设备不可用"),
  "safety_alarm": Phrase("a safety alarm", "安全报警不可搁置"), "alarm_suppressed": Phrase("alarm suppressed", "报警已抑制"),
  "not_acknowledged": Phrase("not acknowledged", "未确认"), "not_shelved": Phrase("not shelved", "未搁置"),
  "not_out_of_service": Phrase("not out of service", "未停用"), "shelf_too_long": Phrase("shelf too long", "搁置时间过长"),
  "shelf_full": Phrase("shelf full", "搁置已满"), "still_active": Phrase("still there", "仍然存在"),
  "no_isolation_room": Phrase("no isolation room", "无可用隔离室"), "not_attested": Phrase("not attested", "未确认落实"),
  "not_ventilated": Phrase("not ventilated", "未通风"), "not_disinfected": Phrase("not disinfected", "未消毒"),
  "not_suspended": Phrase("not suspended", "未暂停"), "already_done": Phrase("already done", "已经完成"),
  "unknown_case": Phrase("no such case", "无此个案"), "too_many_cases": Phrase("too many cases", "个案过多"),
  "not_isolation_room": Phrase("no isolation room", "不是隔离室"), "room_taken": Phrase("room taken", "房间已占用"),
  "not_reported": Phrase("not reported", "未报告"),
  "contacts_not_listed": Phrase("contacts not listed", "接触者未登记"), "not_handed_over": Phrase("not handed over", "未移交"),
  "unknown_room": Phrase("no such room", "无此房间"), "ventilation_incomplete": Phrase("ventilation incomplete", "通风未完成"),
  "session_running": Phrase("a session is on", "场次进行中"), "no_session": Phrase("no session", "无场次"),
  "takes_no_session": Phrase("takes no session", "不举行场次"), "no_responsible": Phrase("nobody answers for the room", "房间无负责人"),
  "nothing_declared": Phrase("nothing declared", "未登记通风"),
  "nobody_there": Phrase("nobody there", "无人"), "nothing_to_prove": Phrase("nothing to prove", "无声光报警可测试"),
  "tickets_wait": Phrase("people wait with tickets", "有人持号等候"), "signals_on": Phrase("lamp or buzzer is on", "声光报警正在使用"),
  // Commands.
  "unacknowledge": Phrase("unacknowledge an alarm", "取消确认"), "shelve": Phrase("shelve an alarm", "搁置报警"), "unshelve": Phrase("end a shelf", "取消搁置"),
  "take_out_of_service": Phrase("take out of service", "停用报警"), "return_to_service": Phrase("return to service", "恢复报警"),
  "open_site": Phrase("open the site", "开放场所"), "close_site": Phrase("close the site", "关闭场所"), "open_case": Phrase("open a case", "登记个案"),
  "advance_case": Phrase("a step of a case", "个案处置"), "begin_incident": Phrase("begin an incident", "启动事件"),
  "end_incident": Phrase("end an incident", "解除事件"), "disinfected": Phrase("record a disinfection", "登记消毒"), "attest": Phrase("attest", "确认落实"),
  "acknowledge": Phrase("acknowledge an alarm", "确认报警"), "resume": Phrase("call back", "叫回"), "contact_reading": Phrase("contact reading", "接触式体温"),
  "allow": Phrase("allow again", "允许再次测温"),
  "clear": Phrase("clear an alarm", "解除报警"), "reset_average": Phrase("begin the average anew", "重置均值"), "write": Phrase("set a device", "设置设备"),
  "up": Phrase("up", "正常"), "down": Phrase("down", "中断"), "started": Phrase("started", "启动"), "stopped": Phrase("stopped", "停止"),
  "not_told": Phrase("not heard of since the start", "启动后无消息"), "no_record": Phrase("nothing in the log", "日志无记录"),
  "begun_anew": Phrase("over: the door began anew", "系统重新开始"),
  "clock_stepped": Phrase("clock set", "时钟调整"),
  "done": Phrase("done", "已执行"), "refused": Phrase("refused", "被拒绝"),
]
