"""What columns and roles are called, in the languages of the data that people bring."""

from __future__ import annotations

import re
from typing import Final

ROLES: Final = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
"""The words for roles of the formats of conversations."""
_USERS: Final = """
customer client requester visitor caller enduser end-user end_user prompter ask asker question
inbound incoming kunde kundin nutzer benutzer anfrager cliente usuario utilisateur utente klient
пользователь клиент 用户 客户 顾客 提问者 ユーザー 고객 사용자 مستخدم عميل العميل
"""
_ASSISTANTS: Final = """
agent support staff operator advisor ai chatbot answer helpdesk rep representative employee
outbound outgoing mitarbeiter assistent berater agente asistente assistente conseiller ассистент
оператор поддержка бот 客服 助手 机器人 アシスタント 상담원 مساعد وكيل الدعم
"""
SPEAKERS: Final[dict[str, str]] = {
    **dict.fromkeys(_USERS.split(), "user"),
    **dict.fromkeys(_ASSISTANTS.split(), "assistant"),
    **ROLES,
}
"""Those, and the words for roles that are met in tickets and chats."""

_QUESTION: Final = """
question query prompt instruction problem ask input request inquiry enquiry issue complaint user
human customer source frage anfrage eingabe aufgabe problemstellung pregunta consulta entrada
demande requête domanda richiesta pergunta vraag pytanie вопрос запрос 问题 問題 提问 输入 指令
质問 質問 입력 질문 سؤال السؤال प्रश्न sual soru
"""
_ANSWER: Final = """
corrected correction rewritten paraphrase
answer response reply completion output solution resolution assistant bot agent target result
explanation ai gpt antwort ausgabe lösung loesung erwiderung respuesta solución salida réponse
reponse risposta soluzione resposta solução antwoord odpowiedź ответ решение 答案 回答 回复 輸出
输出 解答 答え 応答 답변 응답 출력 جواب الجواب إجابة الإجابة رد الرد उत्तर cevap yanıt
"""
_TITLE: Final = """
title subject headline topic name titel betreff überschrift título titulo asunto titre objet
titolo oggetto assunto onderwerp тема заголовок 标题 主题 題名 タイトル 件名 제목 عنوان العنوان
शीर्षक başlık
"""
_BODY: Final = """
msg
body text description message content details comment post document article passage paragraph
utterance sentence review tweet story beschreibung nachricht inhalt kommentar beitrag texto
descripción descripcion mensaje contenido texte contenu corps testo messaggio corpo mensagem
conteúdo bericht tekst текст сообщение описание 正文 内容 文本 描述 消息 本文 メッセージ 내용
텍스트 메시지 نص النص وصف الوصف رسالة الرسالة
"""
_CONTEXT: Final = """
context background passage reference knowledge evidence document input kontext hintergrund
contexto contexte contesto контекст 上下文 背景 文脈 문맥 سياق السياق
"""
_SUMMARY: Final = """
summary highlights abstract tldr zusammenfassung kurzfassung resumen résumé riassunto resumo samenvatting
streszczenie резюме 摘要 总结 要約 요약 ملخص özet
"""
_LABEL: Final = """
label category class intent sentiment topic tag type target emotion polarity stance rating stars
priority queue kategorie klasse stimmung absicht thema etikett categoría categoria clase
etiqueta catégorie categorie classe étiquette etichetta категория класс метка 标签 类别 分类
类型 情感 ラベル カテゴリ 분류 라벨 فئة الفئة تصنيف
"""
_SYSTEM: Final = "system system_prompt systemprompt persona systemnachricht 系统提示 系统"
_ROLE: Final = """
role from speaker author sender who direction side party user_type usertype sender_type
author_type rolle absender sprecher autor rol remitente rôle auteur expéditeur ruolo mittente
роль автор отправитель 角色 发言人 发送者 役割 話者 역할 화자 دور الدور المرسل
"""
_GROUP: Final = """
conversation_id message_tree_id tree_id
conversation thread_id thread ticket_id ticket dialog_id dialogue_id dialog
dialogue session_id session chat_id chat case_id case issue_id request_id channel conv_id convid
group_id gespräch_id gespraech_id vorgang vorgangsnummer ticketnummer fall fallnummer
conversación conversacion hilo fil échange discussion разговор диалог 对话 会话 会话id 对话id
工单 工单号 会話 대화 محادثة المحادثة رقم_التذكرة
"""
_ORDER: Final = """
timestamp time ts created_at created date datetime sent_at turn turn_id turn_index index order
position seq sequence step message_id zeit zeitstempel datum erstellt uhrzeit fecha hora heure
data ora время дата 时间 日期 顺序 序号 時刻 日時 시간 날짜 وقت الوقت تاريخ التاريخ
"""
KINDS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(words.split())
    for name, words in {
        "question": _QUESTION,
        "answer": f"{_ANSWER} {_SUMMARY}",
        "title": _TITLE,
        "body": _BODY,
        "context": _CONTEXT,
        "summary": _SUMMARY,
        "label": _LABEL,
        "system": _SYSTEM,
        "role": _ROLE,
        "group": _GROUP,
        "order": _ORDER,
    }.items()
}
LANGUAGES: Final = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_SPLIT: Final = re.compile(r"[\W_]+")


def likeness(name: str, kind: str) -> float:
    """How much a column's name sounds like a kind, 0 to 1: the word itself, or one of its words."""
    words = KINDS[kind]
    above, _, last = name.lower().rpartition(".")
    last = last.strip()
    if last in words:
        return 1.0
    if kind in ("question", "answer") and last in KINDS["body"] and above.rpartition(".")[2] in words:
        return 0.95  # what it is stands above it: `resolution.text`
    parts = [part for part in _SPLIT.split(last) if part]
    if parts and parts[-1] in words:
        return 0.8
    if any(part in words for part in parts):
        return 0.7
    # Chinese and Japanese put words together, and so do Germans and camels.
    if any(word in last for word in words if not word.isascii() and len(word) > 1):
        return 0.6
    return (
        0.5
        if any(len(word) > 4 and (last.startswith(word) or last.endswith(word)) for word in words)
        else 0.0
    )


def language(name: str) -> str | None:
    """The language that a column's name stands for, such as `en`, `de_DE` or `german`."""
    last = name.lower().rpartition(".")[2].strip()
    if last in LANGUAGES:
        return LANGUAGES[last]
    found = next((full for full in LANGUAGES.values() if full.lower() == last), None)
    if found is not None:
        return found
    first, _, second = last.replace("-", "_").partition("_")
    if second in KINDS["body"] or (len(first) == 2 and re.fullmatch(r"[a-z]{2,4}", second)):
        return LANGUAGES.get(first)
    return LANGUAGES.get(second) if first in KINDS["body"] else None
