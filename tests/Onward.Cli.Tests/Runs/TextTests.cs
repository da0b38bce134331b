using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Runs on a text: training, resuming, measuring, and the text that a model writes.</summary>
public sealed class TextTests : IDisposable
{
    private const string Network = """
        { "blocks": [
          { "layers": [ { "type": "embedding", "numEmbeddings": 40, "embeddingDim": 8, "positions": 16 },
            { "type": "residual", "layers": [ { "type": "layerNorm", "size": 8 }, { "type": "linear", "inputs": 8, "outputs": 24 },
              { "type": "attention", "heads": 2, "causal": true }, { "type": "linear", "inputs": 8, "outputs": 8 } ] } ] },
          { "layers": [ { "type": "linear", "inputs": 8, "outputs": 8 }, { "type": "gelu" } ] } ] }
        """;

    private const string Train =
        "train --dataset text --data {path}/text.txt --network {path}/tiny.json --batch-size 8 --epochs 2 --lr 0.01";

    private readonly Workplace _workplace = new();

    public TextTests()
    {
        File.WriteAllText(_workplace["tiny.json"], Network);
        File.WriteAllText(_workplace["text.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat.\nA rat, too.\n", 60)));
    }

    [Fact]
    public void A_run_is_measured_in_bits_per_character_everywhere()
    {
        Workplace.Result result = _workplace.Run($"{Train} --out run");

        Assert.Equal(0, result.Code);
        Assert.Contains("train bits/char", result.Error);
        Assert.Contains(result.OutLines, line => line.StartsWith("bits per character", StringComparison.Ordinal));
        string[] lines = _workplace.Measurements("run");
        string[] names = lines[0].Split(','), cells = lines[1].Split(',');
        double loss = double.Parse(cells[Array.IndexOf(names, "test_loss")], System.Globalization.CultureInfo.InvariantCulture);
        double bits = double.Parse(
            cells[Array.IndexOf(names, "test_bits_per_character")], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(loss / Math.Log(2), bits, 1e-5);
        JsonNode kept = JsonNode.Parse(File.ReadAllText(_workplace["work/run/result.json"]))!;
        Assert.InRange((double)kept["testBitsPerCharacter"]!, 0.1, 6);
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal((16, "\n"), ((int)configuration["context"]!, (string)configuration["images"]!["classNames"]![0]!));

        Assert.Contains("bits per character: ", _workplace.Run("eval run").Out);
        JsonNode evaluated = JsonNode.Parse(_workplace.Run("eval run --json").Out)!;
        Assert.Equal((double)kept["testBitsPerCharacter"]!, (double)evaluated["validationBitsPerCharacter"]!, 3);
        Assert.Equal(0, _workplace.Run("report run").Code);
        string report = Directory.GetFiles(_workplace["work"], "*.html", SearchOption.AllDirectories)[0];
        Assert.Contains("Bits per character", File.ReadAllText(report));
        Assert.Equal(0, _workplace.Run("export run {path}/run.onnx").Code);
        Assert.Equal(0, _workplace.Run("runs .").Code);
    }

    [Fact]
    public void Weights_that_learnt_other_characters_are_refused()
    {
        _workplace.Run($"{Train} --out first --limit-batches 1");
        Assert.Equal(0, _workplace.Run($"{Train} --out second --limit-batches 1 --init first").Code);
        File.WriteAllText(_workplace["text.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat.\nA rat, zoo.\n", 60)));

        _workplace.RefuseBeside(
            $"{Train} --out third --init first", "model.safetensors has learnt a text of other characters, 15 where this text has 16.");
    }

    [Theory]
    [InlineData("BP")]
    [InlineData("L-BP")]
    [InlineData("LG-BP --overlap")]
    [InlineData("FA")]
    [InlineData("L-FA")]
    [InlineData("LG-FA")]
    [InlineData("DFA")]
    [InlineData("FG-W")]
    [InlineData("LG-FG-W --weight-credit reach")]
    [InlineData("FG-A")]
    [InlineData("LG-FG-A --layerwise --noise-sites hidden --passes 2")]
    public void Every_rule_trains_on_a_text(string rule)
    {
        Workplace.Result result = _workplace.Run($"{Train} --out run --rule {rule} --limit-batches 3");

        Assert.Equal((0, ""), (result.Code, result.Code == 0 ? "" : result.Error));
    }

    [Fact]
    public void A_stopped_run_resumes_without_the_network_file_to_the_same_bits()
    {
        Assert.Equal(0, _workplace.Run($"{Train} --out whole").Code);
        Assert.Equal(ExitCode.Interrupted, _workplace.Run($"{Train} --out run", interruptAt: "epoch 1/2").Code);
        File.Delete(_workplace["tiny.json"]);

        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
        Assert.Equal(_workplace.Measurements("whole"), _workplace.Measurements("run"));
    }

    [Fact]
    public void Another_text_stops_a_resumed_run()
    {
        Assert.Equal(ExitCode.Interrupted, _workplace.Run($"{Train} --out run", interruptAt: "epoch 1/2").Code);
        File.WriteAllText(_workplace["text.txt"], File.ReadAllText(_workplace["text.txt"]).Replace("cat", "tac", StringComparison.Ordinal));

        _workplace.RefuseBeside("train --resume run", "was begun with other text: characters differ.");
    }

    [Fact]
    public void A_model_writes_the_same_text_for_the_same_seed()
    {
        Assert.Equal(0, _workplace.Run($"{Train} --out run").Code);
        string[] words = ["sample", "run", "--prompt", "the c", "--length", "60"];
        Workplace.Result first = _workplace.Run(words), other = _workplace.Run([.. words, "--seed", "2"]);

        Assert.Equal((0, ""), (first.Code, first.Error));
        Assert.StartsWith("the c", first.Out);
        Assert.Equal(66, first.Out.Length);
        Assert.Equal(first.Out, _workplace.Run(words).Out);
        Assert.NotEqual(first.Out, other.Out);
        JsonNode json = JsonNode.Parse(_workplace.Run([.. words, "--json"]).Out)!;
        Assert.Equal(first.Out, $"{json["prompt"]}{json["text"]}\n");
        Assert.Equal(0, _workplace.Run([.. words, "--temperature", "0"]).Code);
    }

    [Fact]
    public void What_a_text_cannot_be_used_for_is_refused_in_one_line()
    {
        Assert.Equal(0, _workplace.Run($"{Train} --out run").Code);
        Assert.Equal(0, _workplace.Run("train --data {data} --epochs 1 --batch-size 16 --out images").Code);
        File.WriteAllText(_workplace["other.txt"], string.Concat(Enumerable.Repeat("naïve thoughts, ", 60)));
        File.WriteAllText(_workplace["short.txt"], "the cat");
        _workplace.Refuse("sample run --prompt é", "--prompt: character 1 is 'é' (U+00E9), which the model's text does not have.");
        _workplace.Refuse("sample run", "--prompt is missing.");
        _workplace.Refuse("sample images --prompt a", "was trained on images, and writes no text.");
        _workplace.Refuse("predict run a.png", "'onward predict' needs a model of images");
        _workplace.Refuse("eval run --exit-confidence 0.5", "--exit-confidence needs a model of images");
        _workplace.Refuse("eval run --data {path}/other.txt", "has characters that the model of");
        _workplace.Refuse("eval run --dataset mnist --data {data}", "was trained on a text");
        _workplace.Refuse("train --dataset text", "the data set text needs --data");
        _workplace.Refuse("train --dataset text --data {path}/text.txt --context 16", "--model M/1/16 reads images, not text.");
        _workplace.Refuse(Train.Replace("text.txt", "short.txt", StringComparison.Ordinal), "7 characters are too few");
        _workplace.Refuse(Train.Replace("text.txt", "none.txt", StringComparison.Ordinal), "none.txt: no such file.");
        _workplace.Refuse($"{Train} --context 8", "does not fit a text in windows of 8 characters (--context): Block 0: Embedding(40,");
        _workplace.Refuse($"{Train} --augment flip", "--augment flip changes images; a text has none.");
        _workplace.Refuse($"{Train} --validation 4", "has a validation set of its own");
        _workplace.Refuse($"{Train} --objective contrastive", "compares views of images, and a text has none.");
        _workplace.Refuse("train --data {data} --context 8", "--context belongs to --dataset text");
        _workplace.Refuse("train --data {data} --network {path}/tiny.json", "reads text, not images.");
        File.WriteAllText(_workplace["long.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 120)));
        _workplace.Refuse("data views --dataset text --data {path}/long.txt --out {path}/views.png", "a text has no images to draw.");
        File.WriteAllText(_workplace["tiny.json"], Network.Replace("true", "false", StringComparison.Ordinal));
        _workplace.Refuse(Train, "a position reads later ones, and with them the token that it predicts");
        File.WriteAllText(_workplace["tiny.json"], Network.Replace("40", "4", StringComparison.Ordinal));
        _workplace.Refuse(Train, "has an embedding of 4 characters, but the text has 15 different ones.");
    }

    [Fact]
    public void A_text_is_described_with_the_bits_of_a_bigram_model()
    {
        File.WriteAllText(_workplace["text.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat.\nA rat, too.\n", 120)));
        JsonNode text = JsonNode.Parse(_workplace.Run("data info text --data {path}/text.txt --json").Out)!;

        Assert.Equal(15, text["characters"]!.AsArray().Count);
        Assert.InRange((double)text["bigramTestBits"]!, 0.5, 4);
        Assert.Contains("add-one smoothing", _workplace.Run("data info text --data {path}/text.txt").Out);
    }

    [Fact]
    public void A_network_of_text_is_inspected_and_timed_without_one()
    {
        Assert.Contains("Attention(2, causal)", _workplace.Run("inspect --network {path}/tiny.json").Out);
        Assert.Equal(0, _workplace.Run("bench --network {path}/tiny.json --seconds 0.1 --batch-size 4").Code);
    }

    public void Dispose() => _workplace.Dispose();
}
