"""The words of the table of claims, in English and in Chinese."""

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "head": "| the article says | measured here | where |",
        "accurate": "Large models are more accurate",
        "text": "… in language",
        "speech": "… in speech",
        "attention": "Attention improves a sequence-to-sequence network",
        "cost": "Large models cost more",
        "deep": "Deep learning beats hand-made features, and needs more data",
        "compute": "… and more compute",
        "steps": "Models are trained, validated, then applied",
        "steps measured": "every run: validation chooses, the test set is read once",
        "compute hard": "Large models are hard: compute",
        "amount": "… a lot of data",
        "data": "… data quality",
        "interpretability": "… interpretability",
        "stability": "… stability",
        "ahead": "{family} trained to the end: from {place} wrong labels on, {small} parameters "
        "beat {large}",
        "not ahead": "{family} trained to the end: up to {most} wrong labels, {small} parameters "
        "do not beat {large}",
        "open": "{family} trained to the end: up to {most} wrong labels, can't tell whether "
        "{small} beat {large}",
        "budget": "{family} on {data}: {least} parameters are best at {few} training FLOPs, {most} "
        "at {many}",
        "look": "the larger, the more maps show of what there is to see: by {truth} × chance",
        "hurts": "{family} with {noise} wrong labels: {first} at {small} parameters, {peak} at "
        "{middle}, {last} at {large}",
        "grew": "{family} from {small} to {large} parameters: {before} → {after} error, by {by}",
        "grew by data": "{family} from {small} to {large} parameters: error falls by {by} with "
        "{least} training sequences, by {by_most} with {most}",
        "grew by byte": "{family} from {small} to {large} parameters: {before} → {after} a byte, "
        "by {by}",
        "worth": "at length {length} it is worth {ratio} {interval} times the parameters",
        "gained": "{data}: {without} → {attending} of the answers wrong, by {by}, at {size} "
        "parameters",
        "paid": "{family}: {times} the parameters, {time} the training time",
        "sequences": "from {place} training sequences on",
        "images": "from {place} training images on",
        "seconds": "{deep} against {classical} of training on 100 sequences",
        "points": " points",
        "unstable": "largest less smallest size: runs that fail to train {failures}, "
        "spread between seeds {spread}, sensitivity to the learning rate {sensitivity}",
    },
    "zh": {
        "head": "| 文章的说法 | 这里测得的结果 | 出处 |",
        "accurate": "大模型更准确",
        "text": "……在语言上",
        "speech": "……在语音上",
        "attention": "注意力改进序列到序列网络",
        "cost": "大模型成本更高",
        "deep": "深度学习胜过手工特征，但需要更多数据",
        "compute": "……也需要更多算力",
        "steps": "模型先训练，再验证，然后应用",
        "steps measured": "每次运行都如此：由验证集选择，测试集只读一次",
        "compute hard": "大模型的难题：算力",
        "amount": "……大量数据",
        "data": "……数据质量",
        "interpretability": "……可解释性",
        "stability": "……稳定性",
        "ahead": "{family} 训练到底：错误标签达到 {place} 之后，{small} 个参数胜过 {large} 个",
        "not ahead": "{family} 训练到底：错误标签在 {most} 以内，{small} 个参数不能胜过 {large} 个",
        "open": "{family} 训练到底：错误标签在 {most} 以内，"
        "{small} 个参数能否胜过 {large} 个尚无定论",
        "budget": "{family}，{data}：{few} FLOPs 时 {least} 个参数最好，{many} 时 {most} 个最好",
        "look": "模型越大，图中落在真正有信息之处的份额越高：增加 {truth} 倍随机水平",
        "hurts": "{family}，{noise} 的标签错误：{small} 个参数时 {first}，{middle} 个时 {peak}，"
        "{large} 个时 {last}",
        "grew": "{family} 从 {small} 增至 {large} 个参数：错误率 {before} → {after}，降低 {by}",
        "grew by data": "{family} 从 {small} 增至 {large} 个参数：用 {least} 条序列训练时"
        "错误率降低 {by}，用 {most} 条时降低 {by_most}",
        "grew by byte": "{family} 从 {small} 增至 {large} 个参数：每字节 {before} → {after}，"
        "降低 {by}",
        "worth": "长度 {length} 时相当于 {ratio} {interval} 倍的参数量",
        "gained": "{data}：{size} 个参数时，错误的答案 {without} → {attending}，降低 {by}",
        "paid": "{family}：参数为 {times}，训练时间为 {time}",
        "sequences": "训练序列达到 {place} 条之后",
        "images": "训练图像达到 {place} 张之后",
        "seconds": "用 100 条序列训练：{deep} 对 {classical}",
        "points": " 个百分点",
        "unstable": "最大减最小：训练失败的运行 {failures}，种子之间的差异 {spread}，"
        "对学习率的敏感度 {sensitivity}",
    },
}
