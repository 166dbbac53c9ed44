import type { Detector, Subject } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { isBetweenWords } from "./prose.ts";
import { commandClass } from "./shell-commands.ts";

/** Java: classes that run commands, gadget classes, OGNL/SpEL expressions, class loader access. */

/** Classes whose constructors or methods end in a command, a script engine or a loaded class. */
const EXECUTING = "runtime|processbuilder|processimpl|processenvironment|unixprocess|classloader";

/** Simple names of the transformer classes that deserialisation chains are made of. */
const TRANSFORMERS =
  "invokertransformer|chainedtransformer|instantiatetransformer|instantiatefactory|clonetransformer|constanttransformer|closuretransformer|transformedmap|transformedlist|lazymap|tiedmapentry|prototypeclonefactory|prototypeserializationfactory|forclosure|whileclosure|chainedclosure|invokermap|badattributevalueexpexception|templatesimpl|jdbcrowsetimpl|jndirefforwardingdatasource|methodinvokingfactorybean|beanshell|bshinterpreter|annotationinvocationhandler|jndidatasourcefactory|runtimegadget|processbuildergadget";

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "java.execution_class",
    needs: ["java.", "java .", "javax."],
    pattern: new RegExp(
      `\\bjava\\s{0,2}\\.\\s{0,2}(?:lang\\s{0,2}\\.\\s{0,2})?(?:${EXECUTING})(?![\\w])|\\bjavax\\.(?:script|naming\\.(?:initialcontext|spi)|management\\.loading)\\b|\\bjava\\.(?:net\\.urlclassloader|beans\\.(?:xmldecoder|eventhandler)|rmi\\.server\\.unicastref)\\b`,
      "g",
    ),
    accept: (match, subject) =>
      isNotTrace(match, subject) &&
      !isBetweenWords(subject.lower, match.index, match.index + match[0].length),
  },
  {
    // Programs import their classes; an expression names them in full.
    kind: "java.execution_call",
    needs: ["java.lang.", "java.nio.", "java.net.", "java.io."],
    pattern:
      /\bjava\.(?:lang\.(?:system|thread|class)|nio\.file\.(?:files|paths)|net\.(?:url|socket|serversocket)|io\.(?:file|fileinputstream|filereader|fileoutputstream|bufferedreader|inputstreamreader))(?:\.[a-z]\w{2,30})?\s{0,2}\(/g,
    accept: (match, subject) => subject.lower.length < 400 && isNotTrace(match, subject),
  },
  {
    kind: "java.execution_call",
    needs: ["new groovyshell", "new initialcontext", "new urlclassloader", "new xmldecoder", "new nashorn"],
    pattern:
      /\bnew\s{1,4}(?:groovyshell|initialcontext|urlclassloader|xmldecoder|nashornscriptenginefactory)\s{0,2}\(/g,
    accept: (match, subject) => subject.lower.length < 300 && isNotTrace(match, subject),
  },
  {
    kind: "java.execution_call",
    needs: [".execute("],
    // Groovy runs a text or a list of texts.
    pattern:
      /^[\s=;(]{0,6}(?:\[\s{0,4}["']([^"'\n]{1,80})["'][^\]\n]{0,80}\]|["']([^"'\n]{1,120})["'])\s{0,4}\.execute\(/g,
    accept: (match) => isCommandLine(match[1] ?? match[2]!),
  },
  {
    // Options of drivers that run a script, read files of the client or create objects.
    kind: "java.connection_option",
    needs: ["jdbc:"],
    pattern:
      /\bjdbc:(?:h2|hsqldb|derby|mysql|mariadb|postgresql|db2|sqlite|jcr|oracle|informix-sqli)[:/][^\s"'<>]{0,200}?[;?&](?:init|autodeserialize|allowloadlocalinfile|allowurlinlocalinfile|queryinterceptors|statementinterceptors|detectcustomcollations|socketfactory(?:arg)?|sslfactory(?:arg)?|loggerfile|clientrerouteserverlistjndiname|enable_load_extension|trace_level_system_out)\s{0,2}=/g,
  },
  {
    kind: "java.execution_call",
    needs: [
      "getruntime",
      "java.lang.runtime@",
      "processbuilder",
      "scriptenginemanager",
      "getenginebyname",
      "forname",
    ],
    pattern:
      /\bruntime\s{0,4}\.\s{0,4}getruntime\s{0,4}\(|@?java\.lang\.runtime@|\bgetruntime\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}exec\b|\bnew\s{1,8}(?:java\.lang\.)?processbuilder\s{0,4}\(|\bprocessbuilder\s{0,4}\(\s{0,4}(?:new|["'{[])|\bscriptenginemanager\s{0,4}\(|\bgetenginebyname\s{0,4}\(|\bclass\.forname\s{0,4}\(\s{0,4}["']java|\.\s{0,2}forname\s{0,4}\(\s{0,4}["']java\.lang\./g,
    accept: (match, subject) => isNotTrace(match, subject) && !isStatistics(match, subject),
  },
  {
    kind: "java.gadget_class",
    needs: [
      ...TRANSFORMERS.split("|"),
      ...names(`org.apache.commons. com.sun. com.opensymphony com.mchange com.caucho com.alibaba com.zaxxer org.codehaus.
        org.springframework. org.apache. org.mozilla. org.jboss. org.mvel2 org.python. org.hibernate. org.yaml. sun.misc
        sun.reflect sun.rmi freemarker. bsh. ognl. net.sf.json groovy. jdk. ysoserial javax.management`),
    ],
    pattern: new RegExp(
      [
        `(?:^|[.\\s"'<>=$;/:,])(?:${TRANSFORMERS})(?![\\w])`,
        "\\borg\\.apache\\.commons\\.(?:collections4?|beanutils|fileupload)\\.(?:functors|keyvalue|comparators|map|beancomparator|disk|transformer|bag)",
        "\\bcom\\.sun\\.(?:org\\.apache|rowset|jndi)\\b",
        "\\bcom\\.(?:opensymphony\\.xwork2|mchange\\.v2\\.c3p0|caucho\\.naming|alibaba\\.fastjson\\.parser|zaxxer\\.hikari\\.hikariconfig)\\b",
        "\\borg\\.(?:codehaus\\.groovy\\.runtime|springframework\\.(?:context\\.support\\.(?:classpathxml|filesystemxml)applicationcontext|beans\\.factory\\.(?:config\\.(?:propertypathfactory|methodinvoking)|objectfactory)|expression\\.spel|aop\\.(?:target|support))|apache\\.(?:xalan\\.xsltc|xbean\\.naming|tomcat\\.dbcp|struts2?\\.dispatcher|velocity\\.runtime|ibatis\\.datasource\\.jndi|naming\\.factory)|mozilla\\.javascript\\.(?:nativejava|defininglcassloader)|jboss\\.(?:interceptor|util\\.propertyeditor|seam\\.core)|mvel2|python\\.core|hibernate\\.jmx|yaml\\.snakeyaml\\.constructor)\\b",
        "\\b(?:sun\\.(?:misc\\.unsafe|reflect\\.annotation|rmi\\.server)|freemarker\\.template\\.utility|bsh\\.(?:interpreter|xthis)|ognl\\.(?:ognlcontext|ognl\\b|memberaccess)|net\\.sf\\.json|groovy\\.(?:lang\\.groovy(?:shell|classloader)|util\\.eval)|jdk\\.(?:jshell|nashorn))",
        "\\bysoserial\\b",
        "\\bjavax\\.management\\.badattribute",
      ].join("|"),
      "g",
    ),
    accept: isNotTrace,
  },
  {
    kind: "java.expression",
    needs: [
      "%{",
      "${",
      "#{",
      "#_memberaccess",
      "#context",
      "@ognl",
      "(#",
      "t(java",
      "t( java",
      "t(org.spring",
      "#session[",
      "#request[",
      "#attr[",
      "#parameters[",
      "#root[",
      "#application[",
    ],
    pattern:
      /[%$#]\{\s{0,8}(?:\(?\s{0,4}#\s{0,4}[\w'"]{1,40}\s{0,4}[=.[]|@[\w.]{1,80}@|new\s{1,4}java\.|\(new\s{1,4}java\.|t\s{0,2}\(\s{0,4}java\.|["'][^"'}]{0,40}["']\.(?:getclass|class)|(?:request|session|application|applicationscope|facescontext|pagecontext)\.(?:\w{1,20}\.){0,3}(?:getclass|getservlet|getsession|setattribute\(|class\b|getclassloader)|"?"?\.getclass\(\))|#_memberaccess\b|#context\s{0,4}\[|@ognl\.ognlcontext@|\(#[\w]{1,30}\s{0,4}=\s{0,4}(?:@|new\s|#)|\bt\(\s{0,4}(?:java|javax|org\.springframework)\.[\w.]{1,60}\)\s{0,4}\.|#(?:session|request|attr|parameters|root|application)\[['"]|__\$\{[^}]{0,60}\}__::|\b(?:redirect|action|redirectaction):\s{0,4}[%$]\{/g,
  },
  {
    kind: "java.class_access",
    needs: ["classloader", "getclass", "class.module"],
    pattern:
      /\bclass(?:\.module|\[['"]?module['"]?\])?(?:\.|\[['"]?)classloader\b|\.getclass\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}(?:forname|getclassloader|getmethods?|getdeclared\w{1,20}|getprotectiondomain|classloader)\b|\bclass\.module\.|\bgetclassloader\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}(?:loadclass|defineclass|getresource)/g,
  },
  {
    kind: "java.serialized_type",
    needs: [
      "@type",
      "@class",
      "com.sun",
      "javax.",
      "ch.qos",
      "com.mchange",
      "org.apache.xalan",
      "org.springframework.context",
      "!!java",
      "!!com",
      "!!org",
      "!!sun",
      "!!python",
      "!!ruby",
      "!ruby",
    ],
    pattern:
      /["']@(?:type|class)["']\s{0,4}:\s{0,4}["'](?:java|javax|com\.sun|org\.apache|com\.mchange|com\.zaxxer|org\.springframework|sun|ch\.qos|net\.sf)\.|\[\s{0,4}["'](?:com\.sun|javax\.|org\.apache\.xalan|ch\.qos\.logback\.core\.db|com\.mchange|org\.springframework\.context)[\w.$]{0,80}["']\s{0,4},|!!(?:javax?|com\.sun|org|sun)\.[\w.$]{1,80}\s{0,4}[[{]|!!python\/(?:object|name|module)\b|!!ruby\/(?:object|hash)|!ruby\/object/g,
  },
];

const KINDS = {
  "java.execution_class": "the name of a Java class that starts processes, runs scripts or loads classes",
  "java.execution_call": "a Java call that starts a process or a script engine",
  "java.connection_option": "a JDBC address with an option that runs scripts or creates objects",
  "java.gadget_class": "a class known as a link of deserialisation or injection chains",
  "java.expression": "an OGNL, SpEL, EL or Thymeleaf expression that reaches for objects and classes",
  "java.class_access": "a property path or call that reaches the class loader",
  "java.serialized_type": "JSON or YAML that names the class to be created",
} as const;

export const java: readonly Detector[] = detectorsOf(KINDS, PATTERNS);

function names(list: string): string[] {
  return list.trim().split(/\s+/);
}

/** Begins with the name of a command. */
function isCommandLine(text: string): boolean {
  const name = /^[\w.-]{2,40}/.exec(text.slice(text.lastIndexOf("/", text.indexOf(" ")) + 1));
  return name !== null && commandClass(name[0]) !== undefined;
}

/** `Runtime rt = Runtime.getRuntime();` of a program that asks for memory or processors and starts nothing. */
function isStatistics(match: RegExpExecArray, { lower }: Subject): boolean {
  if (!/^runtime\s{0,4}\.\s{0,4}getruntime/.test(match[0])) return false;
  const end = match.index + match[0].length;
  const rest = lower.slice(end, end + 60);
  if (
    /^\s{0,4}\)\s{0,20}\.\s{0,4}(?:availableprocessors|(?:total|free|max)memory|(?:add|remove)shutdownhook|gc|version)\b/.test(
      rest,
    )
  )
    return true;
  const declared = /\bruntime\s{1,4}\w{1,30}\s{0,4}=\s{0,4}$/.test(
    lower.slice(Math.max(0, match.index - 50), match.index),
  );
  return declared && /^\s{0,4}\)\s{0,4};/.test(rest) && !lower.includes("exec") && !lower.includes(".load");
}

/** Lines of a stack trace (`at java.lang.Thread.run(Thread.java:750)`) and imports name these classes in tickets. */
function isNotTrace(match: RegExpExecArray, { lower }: Subject): boolean {
  const before = lower.slice(Math.max(0, match.index - 60), match.index + 1);
  if (/(?:^|\s)(?:at|import|caused by:|package)\s[\w.$/]{0,58}\W?$/.test(before)) return false;
  const after = lower.slice(match.index + match[0].length, match.index + match[0].length + 90);
  return !/^[\w.$<>]{0,60}\([\w$]{1,40}\.java(?::\d{1,6})?\)/.test(after);
}
