using Onward.Communication;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Rules;
using Onward.Tests.Communication;
using Onward.Tests.Rules;
using Onward.Threads;

namespace Onward.Tests.Engine;

/// <summary>Rules and processes that a training step takes, and those that it refuses.</summary>
public sealed class TrainingStepTests
{
    private static readonly Dictionary<string, Func<LearningRule>> Create = new()
    {
        ["LG-FG-A"] = () => new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1),
        ["FG-W"] = () => new WeightForwardGradient(NoiseDistribution.Gaussian, LossScope.Global, passes: 1, seed: 1),
        ["BP"] = () => Backpropagation.ThroughWeights(BackwardScope.Readout),
        ["FA"] = () => Backpropagation.ThroughRandomFeedback(BackwardScope.Readout, seed: 1),
        ["DFA"] = () => new DirectFeedbackAlignment(seed: 1),
        ["own"] = () => new Silence(),
    };

    public static TheoryData<string> Rules => [.. Create.Keys];

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_serves_one_step_and_goes_on_serving_it(string name)
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);
        LearningRule rule = Create[name]();
        TrainingStep training = new(network.Model, rule, team);
        float[] gradients = network.Gradients(training);

        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(() => new TrainingStep(network.Model, rule, team));

        Assert.Equal("A rule serves one training step; create another rule for another step.", fault.Message);
        Assert.Equal(gradients, network.Gradients(training));
        Assert.Equal(network.Gradients(Create[name]()), gradients);
    }

    [Fact]
    public void A_rule_without_a_step_says_so() => Assert.Equal(
        "The rule serves no training step yet.",
        Assert.Throws<InvalidOperationException>(() => new Silence().Differentiate(default)).Message);

    [Theory]
    [InlineData("BP", 2, "Only where each block learns from its own loss alone can processes have blocks of their own")]
    [InlineData("DFA", 2, "Only where each block learns from its own loss alone can processes have blocks of their own")]
    [InlineData("FG-W", 2, "Only where each block learns from its own loss alone can processes have blocks of their own")]
    [InlineData("LG-FG-A", 3, "The 2 blocks of the model cannot be dealt out to 3 processes. Take fewer.")]
    public void Processes_that_cannot_share_a_step_are_refused_and_leave_the_rule_free(string name, int stages, string message)
    {
        SmallNetwork network = new();
        ThreadRanks.Run(stages, world =>
        {
            using RankGrid grid = new(world, 1, stages);
            using WorkerTeam team = new(1);
            LearningRule rule = Create[name]();

            ArgumentException fault = Assert.Throws<ArgumentException>(() => new TrainingStep(network.Model, rule, team, grid));

            Assert.StartsWith(message, fault.Message, StringComparison.Ordinal);
            Assert.Equal("grid", fault.ParamName);
            _ = new TrainingStep(network.Model, rule, team);
        });
    }

    [Fact]
    public void Processes_have_the_blocks_of_their_stage()
    {
        SmallNetwork network = new(blocks: 3);
        ThreadRanks.Run(3, world =>
        {
            using RankGrid grid = new(world, 1, 3);
            using WorkerTeam team = new(1);

            TrainingStep training = new(network.Model, Create["LG-FG-A"](), team, grid);

            Assert.Equal([0, 1, 2, 3], training.Stages);
            Assert.Equal(grid.Stage..(grid.Stage + 1), training.OwnBlocks);
            Assert.False(training.AllowsUpdateInSlices);
        });
    }

    // Runs of earlier versions resume with the same words.
    [Theory]
    [InlineData(0, "Backpropagation, of LocalLosses, through the weights")]
    [InlineData(4, "Backpropagation, of LocalLosses, through the weights, temperature 0.25")]
    public void Only_a_loss_that_compares_examples_has_settings_to_describe(int projection, string description)
    {
        SmallNetwork network = new(projection: projection);
        using WorkerTeam team = new(1);
        TrainingLoss loss = new() { Temperature = 0.25 };

        TrainingStep training = new(network.Model, Backpropagation.ThroughWeights(BackwardScope.LocalLosses, loss: loss), team);

        Assert.Equal(description, training.Description);
        Assert.Equal("Backpropagation, of LocalLosses, through the weights", training.Rule.Description);
    }

    // Leaves gradients of 0.
    private sealed class Silence() : LearningRule(Locality.Block, trainsHeads: true)
    {
        protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
        {
            Assert.NotNull(Step.Network);
            foreach (BlockTile tile in tiles)
            {
                for (int l = 0; l < tile.Block.Layers.Count; l++)
                {
                    tile.Gradient(l).Clear();
                }
            }
        }
    }
}
