using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ParameterUpdateTests
{
    // The first weight has 784 x 48 numbers, more than one slice; no bias of the heads fills a vector.
    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 1,
        Channels = 48,
        Groups = 3,
        ImageSide = 28,
        ImageChannels = 1,
        Classes = 10,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Update_is_the_rule_applied_to_each_parameter(int threads)
    {
        Network model = LocalMixer.Build(Options);
        model.Initialize(3);
        Sgd sgd = new(0.9, 0.01);
        using WorkerTeam team = new(threads);
        ParameterUpdate update = new(model.Values.Layout, sgd, team);
        ParameterVector gradients = new(model.Values.Layout), expected = new(model.Values.Layout), velocity = new(model.Values.Layout);
        model.Values.All.CopyTo(expected.All);
        for (int step = 0; step < 3; step++)
        {
            // The padding too: an update that ran over it would leave its mark.
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                bool decay = parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
                sgd.Update(new(expected[parameter], gradients[parameter], velocity[parameter]), 0.1, decay);
            }

            update.Apply(model.Values, gradients, 0.1);

            Tolerance.Same(expected.All, model.Values.All, $"values after step {step}");
            Tolerance.Same(velocity.All, update.Velocity.All, $"velocity after step {step}");
        }

        RequirePadding(model.Values);
        RequirePadding(update.Velocity);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Lars_scales_each_parameter_by_its_own_norms(int threads)
    {
        Network model = LocalMixer.Build(Options);
        model.Initialize(3);
        Lars lars = new(0.9, 0.01);
        using WorkerTeam team = new(threads);
        ParameterUpdate update = new(model.Values.Layout, lars, team);
        ParameterVector gradients = new(model.Values.Layout);
        Dictionary<string, double[]> expected = model.Values.Layout.Parameters.ToDictionary(
            p => p.Name, p => Numbers.Widen(model.Values[p].ToArray()));
        Dictionary<string, double[]> velocity = expected.ToDictionary(entry => entry.Key, entry => new double[entry.Value.Length]);
        for (int step = 0; step < 3; step++)
        {
            Numbers.Uniform(step, gradients.All.Length).CopyTo(gradients.All);
            foreach (Parameter parameter in model.Values.Layout.Parameters)
            {
                double[] w = expected[parameter.Name], v = velocity[parameter.Name];
                double[] force = [.. gradients[parameter].ToArray().Select((g, i) => g + (parameter.IsMatrix ? 0.01 * w[i] : 0))];
                double trust = Tolerance.Norm(w) > 0 ? 0.001 * Tolerance.Norm(w) / Tolerance.Norm(force) : 1;
                for (int i = 0; i < w.Length; i++)
                {
                    v[i] = (0.9 * v[i]) + (0.1 * trust * force[i]);
                    w[i] -= v[i];
                }
            }

            update.Apply(model.Values, gradients, 0.1);

            Assert.All(
                model.Values.Layout.Parameters,
                parameter => Tolerance.Near(
                    expected[parameter.Name], model.Values[parameter], Tolerance.Kernel, $"{parameter.Name} after step {step}"));
        }
    }

    [Fact]
    public void Parameters_that_are_not_named_stay_as_they_are()
    {
        Network model = LocalMixer.Build(Options);
        model.Initialize(3);
        float[] before = model.Values.All.ToArray();
        using WorkerTeam team = new(2);
        Parameter trained = model.Blocks[1].Layers[1].Weight;
        ParameterUpdate update = new(model.Values.Layout, [new TrainedParameter(trained, false)], new Sgd(0, 0.5), team);
        ParameterVector gradients = new(model.Values.Layout);
        gradients.All.Fill(1);

        update.Apply(model.Values, gradients, 0.25);

        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            float[] expected =
            [
                .. before.AsSpan(parameter.Offset, parameter.Length)
                .ToArray()
                .Select(value => parameter == trained ? value - 0.25f : value),
            ];
            Assert.Equal(expected, model.Values[parameter].ToArray());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_scale_changes_the_rate_of_its_parameter_alone(bool lars)
    {
        Network plain = LocalMixer.Build(Options), scaled = LocalMixer.Build(Options);
        plain.Initialize(3);
        scaled.Initialize(3);
        Optimizer optimizer = lars ? new Lars(0.9, 0.01) : new Sgd(0.9, 0.01);
        using WorkerTeam team = new(2);
        Parameter slow = scaled.Blocks[0].Layers[0].Weight;
        TrainedParameter[] parameters =
        [
            .. scaled.Values.Layout.Parameters.Select(
                parameter => new TrainedParameter(parameter, parameter.IsMatrix, parameter == slow ? 0.25 : 1)),
        ];
        ParameterUpdate update = new(plain.Values.Layout, optimizer, team), scaledUpdate = new(
            scaled.Values.Layout, parameters, optimizer, team);
        ParameterVector gradients = new(plain.Values.Layout);
        float[] before = plain.Values[slow].ToArray();
        Numbers.Uniform(1, gradients.All.Length).CopyTo(gradients.All);

        update.Apply(plain.Values, gradients, 0.5);
        scaledUpdate.Apply(scaled.Values, gradients, 0.5);

        Assert.All(
            scaled.Values.Layout.Parameters.Where(parameter => parameter != slow),
            parameter => Tolerance.Same(plain.Values[parameter], scaled.Values[parameter], parameter.Name));
        double[] expected = [.. before.Zip(plain.Values[slow].ToArray(), (w, moved) => w + (0.25 * ((double)moved - w)))];
        Tolerance.Near(expected, scaled.Values[slow], Tolerance.Kernel, slow.Name);
    }

    private static void RequirePadding(ParameterVector vector)
    {
        float[] rest = [.. vector.All];
        foreach (Parameter parameter in vector.Layout.Parameters)
        {
            rest.AsSpan(parameter.Offset, parameter.Length).Clear();
        }

        Assert.True(rest.Length > vector.Layout.Count, "The layout has no padding to look at.");
        Assert.All(rest, value => Assert.Equal(0, value));
    }
}
