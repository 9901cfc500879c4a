// What staff do next: one table for those who read the log, the status and the alarms. docs/rules.md prints the same words.

public import Domain

extension ScreeningState {
  /// What the person does who is there; `nil`: the reason says it, or nothing is left to do.
  public var nextStep: Phrase? {
    switch self {
    case .retake, .suspect: Phrase("stay at the thermometer, it measures again", "请留在测温处，即将复测")
    case .coldWait: Phrase("wait inside, then gatehouse resume", "请在室内等候回暖，之后叫回复测")
    case .rest: Phrase("rest apart from others, then gatehouse resume, best with another thermometer", "请与他人隔开休息，之后叫回，最好换一台设备复测")
    case .contactTest: Phrase("measure with a contact thermometer, gatehouse contact", "请用接触式体温计测量并登记")
    case .isolate: Phrase("bring them to the isolation room, gatehouse case isolated", "请送至隔离室并登记")
    case .none, .measuring, .noResult, .passed, .abandoned: nil
    }
  }
}

extension ScreeningReason {
  /// What is to be done about it; `nil`: where the screening goes says it.
  public var nextStep: Phrase? {
    switch self {
    case .low: Phrase("wait inside, then by hand", "请在室内等候，之后人工测量")
    case .scattered, .tooFew: Phrase("take glasses and hat off, stand still", "请摘下眼镜和帽子，站稳")
    case .deviceUnhealthy: Phrase("see the alarm, measure by hand", "请查看报警，人工测量")
    case .secondPerson: Phrase("step back, then one by one", "请后退，逐一上前")
    case .tooLong: Phrase("measure by hand", "请人工测量")
    case .tableFull: Phrase("staff take over, too many wait here", "候测人数已满，由工作人员处理")
    case .warmingUp: Phrase("wait until the thermometer is warm", "请等待设备预热完成")
    case .ambient: Phrase("warm or shade the place", "请为测温点保暖或遮阳")
    case .humidity: Phrase("dry the hall, or measure by hand", "请降低大厅湿度，或人工测量")
    case .calibrationOverdue: Phrase("calibrate the thermometer", "请校准测温设备")
    case .referenceOff: Phrase("clean, aim and warm up thermometer and reference", "请清洁、对准并预热测温设备与黑体")
    case .referenceMoves: Phrase("wait until the reference stands", "请等待黑体稳定")
    case .stuck: Phrase("change the thermometer, the next other reading ends it", "请更换测温设备，出现不同读数即恢复")
    case .siteClosed: Phrase("the site is opened first, gatehouse site open", "请先开放场所")
    case .suspended: Phrase("somebody ends the incident first, gatehouse incident end", "请先解除事件")
    case .noIdentity: Phrase("show the code or the card, then step up", "请先出示证件或二维码，再上前")
    case .noCredential: Phrase("have the credential looked at, gatehouse credential", "请核验凭证并登记")
    case .notOnRoster: Phrase("staff look who it is, then gatehouse allow", "由工作人员核实身份后放行复测")
    case .refused: Phrase("staff look after them, then gatehouse allow", "由工作人员处置后放行复测")
    case .tooEarly: Phrase("wait until the time is over", "请等候时间到")
    case .credential: Phrase("staff look why the other system said no", "由工作人员查明凭证未通过的原因")
    case .elsewhere: Phrase("go back to the lane where this identity stands", "请回到该身份所在的通道")
    case .normal, .borderline, .elevated, .high, .left, .overridden, .resumed, .contactNormal, .contactElevated, .relative,
      .clearedAfterRest, .symptom:
      nil
    }
  }
}

extension AlarmKind {
  /// What whoever is called does.
  public var nextStep: Phrase {
    switch self {
    case .confirmedFever: Phrase("isolate, report, list contacts, then clear it", "请隔离、报告、登记密接，然后解除")
    case .notIsolated: Phrase("bring the person to the isolation room, gatehouse case isolated", "请送至隔离室并登记")
    case .isolationRoom: Phrase("free an isolation room, or vouch for one, gatehouse attest", "请腾出隔离室，或确认其适用")
    case .disinfectionOverdue: Phrase("disinfect the room and record it, gatehouse disinfected", "请消毒并登记")
    case .suspectedFever: Phrase("go to the lane, have the person rest apart from others", "请到通道处，安排其与他人隔开休息")
    case .suspectLeft: Phrase("find who left, then clear it", "请找到离开者，然后解除")
    case .gateJammed: Phrase("look at the gate, let people out by hand", "请查看闸机，人工放行")
    case .gateUnscreened: Phrase("stand at the gate, people pass unscreened", "请守在闸机处，此时通行未测温")
    case .tailgating: Phrase("have people pass one by one", "请逐一通行")
    case .laneOutOfOrder: Phrase("look at thermometer and board, screen by hand until then", "请检查测温设备和控制板，其间人工测温")
    case .airHigh: Phrase("air the room now, or have people leave", "请立即通风，或让人员离开")
    case .airMean: Phrase("air the room for longer, or with fewer people in it", "请延长通风，或减少人数")
    case .airAdvice: Phrase("air the room", "请通风")
    case .freshAir: Phrase("open more windows, or have fewer people in", "请多开窗，或减少人数")
    case .overCapacity: Phrase("have people leave until the room is for so many", "请疏散至核定人数")
    case .slotAtRisk: Phrase("ventilate now, the time that is left is hardly enough", "请立即通风，剩余时间将不足")
    case .ventilationLate: Phrase("ventilate now, before the next session", "请在下一场次前立即通风")
    case .sensorsDisagree: Phrase("look which sensor is wrong", "请查明哪个传感器有误")
    case .sensorStuck: Phrase("breathe on the sensor, change it if it does not move", "请对传感器呼气，不变则更换")
    case .baselineDrift: Phrase("calibrate the sensor in fresh air", "请在室外空气中校准传感器")
    case .deviceSilent: Phrase("look at its power and its cable", "请检查电源和线缆")
    case .deviceFault: Phrase("look at the device, it answers and something is wrong with it", "请检查设备，其应答异常")
    case .portLost: Phrase("look at the cable, the adapter or the network", "请检查线缆、转换器或网络")
    case .logStalled: Phrase("look at the disk", "请检查磁盘")
    case .clockUnsynchronised: Phrase("look at the time server", "请检查时间服务器")
    case .eventsLost: Phrase("look what the machine was busy with", "请查明机器繁忙的原因")
    case .laneDrift: Phrase("measure the site offset anew", "请重新测定现场偏移")
    case .calibrationDue: Phrase("have the thermometer calibrated", "请安排校准测温设备")
    case .referenceOff: Phrase("clean, aim and warm up thermometer and reference", "请清洁、对准并预热测温设备与黑体")
    case .thermometerStuck: Phrase("change the thermometer", "请更换测温设备")
    case .thermometerNormalising: Phrase("try the thermometer on a warm object", "请用已知温度的物体检验测温设备")
    case .proofFailed: Phrase("look at lamp, buzzer and their board, then gatehouse prove", "请检查警灯、蜂鸣器和控制板，然后重新验证")
    case .proofOverdue: Phrase("prove the alert path, gatehouse prove", "请验证报警通路")
    case .alertCheck: Phrase("acknowledge it if lamp and buzzer are seen and heard", "如警灯亮、蜂鸣器响，请确认")
    case .alarmFlood: Phrase("mend first what they have in common", "请先处理共同原因")
    }
  }
}

/// What is done after a screening event of this reason that goes to `next`; `nil`: nothing.
public func nextStep(reason: ScreeningReason?, next: ScreeningState?) -> Phrase? { next?.nextStep ?? reason?.nextStep }
