using System.Text;
using Onward.Data;

namespace Onward.Tests.Data;

/// <summary>Texts: reading, vocabulary, windows, batches.</summary>
public sealed class TextFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_text_is_divided_by_position_and_numbered_by_its_characters()
    {
        ImageDataset data = TextFiles.Load(Write("a.txt", string.Concat(Enumerable.Repeat("abcé\r\n", 40))), context: 3);

        Assert.Equal(["\n", "a", "b", "c", "é"], data.ClassNames);
        TextSet training = Assert.IsType<TextSet>(data.Training), validation = Assert.IsType<TextSet>(data.Validation);
        Assert.Equal((180, 10, 10), (training.Tokens.Length, validation.Tokens.Length, ((TextSet)data.Test).Tokens.Length));
        Assert.Equal([1, 2, 3, 4, 0, 1], training.Tokens[..6].ToArray());
        Assert.Equal((59, 3, 5, 3), (training.Count, training.Context, training.Classes, validation.Count));
    }

    [Fact]
    public void Every_token_but_the_first_is_predicted_once()
    {
        ushort[] tokens = [.. Enumerable.Range(0, 12).Select(i => (ushort)i)];
        TextSet text = new(tokens, context: 3, vocabulary: 12);
        using BatchLoader loader = new(text, [0], [1], batchSize: 3, seed: 1);

        ImageBatch batch = loader.InOrder(Cancellation).Single();

        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8], batch.Pixels);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], batch.Labels);
        Assert.Equal([6, 7, 8], Assert.IsType<TextSet>(text.SplitLast(1).Last).Tokens.ToArray()[..3]);
    }

    // A run that resumes in the middle of an epoch gets the windows that are left, in the same order.
    [Fact]
    public void An_epoch_visits_each_window_once_in_an_order_and_at_a_shift_of_seed_and_epoch()
    {
        ushort[] tokens = [.. Enumerable.Range(0, 101).Select(i => (ushort)i)];
        TextSet text = new(tokens, context: 5, vocabulary: 101);
        using BatchLoader loader = new(text, [0], [1], batchSize: 4, seed: 3);
        HashSet<float> firsts = [];
        for (int epoch = 0; epoch < 20; epoch++)
        {
            float[][] batches = [.. loader.Epoch(epoch, cancellation: Cancellation).Select(batch => batch.Pixels.ToArray())];
            float[][] windows = [.. batches.SelectMany(pixels => pixels.Chunk(5))];
            float[] starts = [.. windows.Select(window => window[0]).Order()];

            Assert.All(windows, window => Assert.Equal(Enumerable.Range((int)window[0], 5).Select(i => (float)i), window));
            float shift = starts.Select(start => start % 5).Max();
            Assert.Equal(Enumerable.Range(0, 20).Select(w => w == 19 && shift > 0 ? 0 : (w * 5) + shift).Order(), starts);
            Assert.NotEqual(windows.Select(window => window[0]), starts);
            Assert.Equal(
                batches[3..], loader.Epoch(epoch, firstStep: 3, Cancellation).Select(batch => batch.Pixels.ToArray()));
            firsts.Add(shift);
        }

        Assert.Equal([0, 1, 2, 3, 4], firsts.Order());
    }

    [Fact]
    public void A_subset_of_a_text_is_a_text()
    {
        TextSet text = new(Enumerable.Range(0, 40).Select(i => (ushort)(i % 7)).ToArray(), context: 4, vocabulary: 7);
        ImageSubset subset = new(text, new[] { 2, 0 });
        using BatchLoader loader = new(subset, [0], [1], batchSize: 2, seed: 1);

        ImageBatch batch = loader.InOrder(Cancellation).Single();

        Assert.True(subset.IsText);
        Assert.Equal([1, 2, 3, 4, 0, 1, 2, 3], batch.Pixels);
        Assert.Equal([2, 3, 4, 5, 1, 2, 3, 4], batch.Labels);
        Assert.Equal([0, 1, 2, 2, 2, 1, 0], subset.CountLabels());
        Assert.NotEqual(text.Checksum, subset.Checksum);
        Assert.NotEqual(text.Checksum, new TextSet(new ushort[40], context: 4, vocabulary: 7).Checksum);
    }

    [Fact]
    public void The_texts_of_a_folder_follow_in_the_order_of_their_names()
    {
        Write("b.md", "second");
        Write("a/c.TXT", "first");
        Write("d.html", "other");

        Assert.Equal("first\nsecond", TextFiles.ReadAll(_folder.Path));
    }

    [Fact]
    public void Characters_are_renumbered_for_a_model_that_knows_more_of_them()
    {
        ImageDataset data = TextFiles.Load(Write("a.txt", string.Concat(Enumerable.Repeat("ab", 60))), context: 2);

        ImageDataset? renumbered = data.Renumber(["b", "x", "a"]);

        Assert.Equal([2, 0, 2], ((TextSet)renumbered!.Training).Tokens[..3].ToArray());
        Assert.Null(data.Renumber(["a", "c"]));
    }

    [Fact]
    public void A_bigram_model_counts_pairs_with_add_one_smoothing()
    {
        TextSet training = new(new ushort[] { 0, 1, 0, 1, 0, 0 }, context: 5, vocabulary: 2);
        TextSet test = new(new ushort[] { 1, 0, 1 }, context: 2, vocabulary: 2);

        // Behind 0 came 0 once and 1 twice; behind 1 came 0 twice.
        double expected = -(Math.Log2(3.0 / 4) + Math.Log2(3.0 / 5)) / 2;

        Assert.Equal(expected, new BigramModel(training).BitsPerCharacter(test), 12);
    }

    [Theory]
    [InlineData("abcabcabc", "9 characters are too few: a twentieth is for validation and must have more than the 4 of a window.")]
    [InlineData("", "a text needs at least two different characters.")]
    [InlineData("aaaa", "a text needs at least two different characters.")]
    public void A_text_that_is_too_short_is_refused_in_one_line(string text, string fault)
    {
        string path = Write("a.txt", text);

        string message = Assert.Throws<DataException>(() => TextFiles.Load(path, context: 4)).Message;

        Assert.StartsWith($"{path}: {fault}", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_file_that_is_no_text_is_refused_in_one_line()
    {
        string path = Write("a.txt", "");
        File.WriteAllBytes(path, [65, 66, 0xFF, 67]);

        Assert.Equal($"{path}: not UTF-8 text. Convert it to UTF-8.", Fault(path));
        Assert.StartsWith($"{path}x: no such file.", Fault(path + "x"), StringComparison.Ordinal);
        string empty = Path.Combine(_folder.Path, "empty");
        Directory.CreateDirectory(empty);
        Assert.StartsWith($"{empty}: no .txt or .md file in the folder.", Fault(empty), StringComparison.Ordinal);

        static string Fault(string path) => Assert.Throws<DataException>(() => TextFiles.Load(path, context: 4)).Message;
    }

    [Fact]
    public void An_unknown_character_is_named_with_its_place()
    {
        Vocabulary vocabulary = Vocabulary.Of("ab c");

        Assert.Equal([1, 2, 0, 3], vocabulary.Encode("ab c").Select(index => (int)index));
        Assert.Equal(
            "character 2 is 'é' (U+00E9), which the model's text does not have.",
            Assert.Throws<DataException>(() => vocabulary.Encode("aé")).Message);
        Assert.Equal(
            "character 1 is U+000A, which the model's text does not have.",
            Assert.Throws<DataException>(() => vocabulary.Encode("\n")).Message);
        Assert.Equal(["😀"], Vocabulary.Of("😀😀").Characters);
        Assert.Throws<ArgumentException>(() => new Vocabulary(["a", "a"]));
        Assert.Throws<ArgumentException>(() => new Vocabulary(["ab"]));
        Assert.Throws<ArgumentException>(() => new Vocabulary([""]));
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        return path;
    }
}
