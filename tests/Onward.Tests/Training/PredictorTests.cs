using System.Numerics.Tensors;
using Onward.Data;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class PredictorTests : IDisposable
{
    private const int Images = 40;

    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 3,
        PatchesPerSide = 4,
        Channels = 64,
        Groups = 4,
        ImageSide = 28,
        ImageChannels = 1,
        Classes = 10,
    };

    private readonly WorkerTeam _team = new(2);
    private readonly LabelledImages _images;
    private readonly BatchLoader _loader;

    public PredictorTests()
    {
        _images = ProceduralDigits.GenerateImages(1, 0, Images);
        _loader = new BatchLoader(_images, [0.2f], [0.3f], batchSize: 16, seed: 1);
    }

    [Fact]
    public void Without_early_exit_the_readout_answers_as_the_evaluator_counts()
    {
        Network model = Random(Options);

        List<(int? Block, float[] Probabilities)> answers = Predict(model, new EarlyExit());

        Assert.All(answers, answer => Assert.Null(answer.Block));
        Assert.All(answers, answer => Assert.Equal(1, answer.Probabilities.Sum(), 1e-5));
        Assert.Equal(new Evaluator(model, _team).Evaluate(_loader, TestContext.Current.CancellationToken).Error, Error(answers));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void The_last_block_answers_with_its_own_head(int block)
    {
        Network model = Random(Options);

        List<(int? Block, float[] Probabilities)> answers = Predict(model, new EarlyExit { LastBlock = block });

        Assert.All(answers, answer => Assert.Equal(block, answer.Block));
        Assert.Equal(
            new Evaluator(model, _team).Evaluate(_loader, TestContext.Current.CancellationToken).BlockErrors[block], Error(answers));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(30)]
    [InlineData(Images)]
    public void The_first_block_that_is_sure_enough_answers_and_the_evaluator_counts_the_same(int unsure)
    {
        Network model = Random(Options);
        double confidence = Confidence(model, unsure);
        List<(int? Block, float[] Probabilities)>[] heads =
        [
            .. Enumerable.Range(0, 3).Select(k => Predict(model, new EarlyExit { LastBlock = k })),
        ];
        List<(int? Block, float[] Probabilities)> readout = Predict(model, new EarlyExit());

        List<(int? Block, float[] Probabilities)> answers = Predict(model, new EarlyExit { Confidence = confidence });
        EarlyExits exits = new Evaluator(model, _team)
            .Evaluate(_loader, confidence, cancellation: TestContext.Current.CancellationToken).EarlyExits!;

        for (int i = 0; i < Images; i++)
        {
            int first = Array.FindIndex(heads, head => head[i].Probabilities.Max() >= confidence);
            Assert.Equal(first < 0 ? null : first, answers[i].Block);
            Assert.Equal(first < 0 ? readout[i].Probabilities : heads[first][i].Probabilities, answers[i].Probabilities);
        }

        Assert.Equal(Error(answers), exits.Error);
        Assert.Equal(Enumerable.Range(0, 3).Select(k => 100.0 * answers.Count(answer => answer.Block == k) / Images), exits.Shares);
    }

    [Fact]
    public void A_block_that_must_answer_does_so_although_an_earlier_one_may()
    {
        Network model = Random(Options);

        List<(int? Block, float[] Probabilities)> answers = Predict(
            model, new EarlyExit { Confidence = Confidence(model, unsure: 10), LastBlock = 1 });

        Assert.Equal((30, 10), (answers.Count(answer => answer.Block == 0), answers.Count(answer => answer.Block == 1)));
    }

    [Fact]
    public void Heads_that_do_not_classify_cannot_answer()
    {
        Network model = Random(Options with { Projection = 4 });

        Assert.Throws<ArgumentException>(() => new Predictor(model, new EarlyExit { Confidence = 0.9 }));
        Assert.Throws<ArgumentException>(() => new Predictor(model, new EarlyExit { LastBlock = 0 }));
        Assert.Throws<ArgumentException>(
            () => new Evaluator(model, _team).Evaluate(_loader, 0.9, cancellation: TestContext.Current.CancellationToken));
        Assert.All(Predict(model, new EarlyExit()), answer => Assert.Null(answer.Block));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void A_block_that_there_is_not_is_refused(int block) =>
        Assert.Contains(
            $"0 to 2; got {block}",
            Assert.Throws<ArgumentException>(() => new Predictor(Random(Options), new EarlyExit { LastBlock = block })).Message);

    public void Dispose()
    {
        _loader.Dispose();
        _team.Dispose();
    }

    private List<(int? Block, float[] Probabilities)> Predict(Network model, EarlyExit exit)
    {
        Predictor predictor = new(model, exit);
        List<(int?, float[])> answers = [];
        foreach (ImageBatch batch in _loader.InOrder(TestContext.Current.CancellationToken))
        {
            for (int i = 0; i < batch.Count; i++)
            {
                float[] probabilities = new float[model.Classes];
                answers.Add((predictor.Predict(batch.PixelsOf(i, 1), probabilities), probabilities));
            }
        }

        return answers;
    }

    // Returns a confidence that the first block does not reach for the given number of images.
    private double Confidence(Network model, int unsure) =>
        Predict(model, new EarlyExit { LastBlock = 0 }).Select(answer => answer.Probabilities.Max()).Order().Append(1f).ElementAt(unsure);

    private double Error(List<(int? Block, float[] Probabilities)> answers)
    {
        ReadOnlySpan<int> labels = _images.Labels.Span;
        int mistakes = 0;
        for (int i = 0; i < answers.Count; i++)
        {
            mistakes += TensorPrimitives.IndexOfMax<float>(answers[i].Probabilities) == labels[i] ? 0 : 1;
        }

        return 100.0 * mistakes / Images;
    }

    private Network Random(LocalMixerOptions options)
    {
        Network model = LocalMixer.Build(options);
        CounterRandom.Normals(new RandomStream(3, RandomPurpose.Initialization), 0, model.Values.All);
        TensorPrimitives.Multiply(model.Values.All, 0.2f, model.Values.All);
        model.Pack(_team);
        return model;
    }
}
