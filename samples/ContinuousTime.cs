// Learns exclusive-or in continuous time by dw_ij/dt = rate x_i dy_j/dt dr/dt. All nodes of a network fluctuate smoothly, and every
// synapse receives the rate of change of the reward. There is no backward pass, and no pass without noise.
// Prints the mean loss as it falls from 0.89 to 0.008, the cost of the fluctuations themselves.
#:project ../src/Onward/Onward.csproj

using Onward.Kernels;

const int Hidden = 8, Nodes = Hidden + 1, TicksHeld = 50, LastTick = 1 << 18;
const float Tick = 0.001f, Slowness = 0.005f, Size = 0.1f, Rate = 0.0002f; // seconds, seconds, and no units
float[] x = [0, 0, 1], toHidden = new float[3 * Hidden], toOutput = new float[Hidden], hidden = new float[Hidden];
float[] drive = new float[Nodes], noise = new float[Nodes], normals = new float[Nodes], y = new float[Nodes], yBefore = new float[Nodes];
CounterRandom.Normals(new(Seed: 1, RandomPurpose.Initialization), 0, toHidden);
float reward = 0, loss = 0;
for (int tick = 0, report = 1 << 12, reported = 0; tick < LastTick; tick++)
{
    bool inputJumps = tick % TicksHeld == 0;
    if (inputJumps)
    {
        uint bits = CounterRandom.Block(new(Seed: 1, RandomPurpose.Data), (uint)(tick / TicksHeld)).Word0;
        (x[0], x[1]) = ((bits & 1) == 0 ? -1 : 1, (bits & 2) == 0 ? -1 : 1);
    }

    Fluctuate(tick);
    Respond();
    float error = y[Hidden] - (x[0] * x[1] < 0 ? 1 : -1), rewardRate = ((-error * error) - reward) / Tick;
    (reward, loss) = (-error * error, loss + (error * error));

    // When the input changes, the nodes jump too, but not because of the noise. The network does not learn at this moment.
    if (!inputJumps)
    {
        Learn(rewardRate);
    }

    if (tick + 1 == report)
    {
        Console.WriteLine($"after {report * Tick,3:0} seconds: mean loss {loss / (report - reported):0.000}");
        (loss, reported, report) = (0, report, 2 * report);
    }
}

// The noise is an Ornstein-Uhlenbeck process after a low-pass filter, so that it has a rate of change.
void Fluctuate(int tick)
{
    CounterRandom.Normals(new(Seed: 1, RandomPurpose.Perturbation, Step: (uint)tick), 0, normals);
    for (int j = 0; j < Nodes; j++)
    {
        drive[j] += (MathF.Sqrt(2 * Tick / Slowness) * Size * normals[j]) - (drive[j] * Tick / Slowness);
        noise[j] += (drive[j] - noise[j]) * Tick / Slowness;
    }
}

void Respond()
{
    (y, yBefore) = (yBefore, y);
    y[Hidden] = 0;
    for (int j = 0; j < Hidden; j++)
    {
        y[j] = noise[j] + (toHidden[j] * x[0]) + (toHidden[Hidden + j] * x[1]) + (toHidden[(2 * Hidden) + j] * x[2]);
        hidden[j] = MathF.Tanh(y[j]);
        y[Hidden] += toOutput[j] * hidden[j];
    }

    y[Hidden] += noise[Hidden];
}

void Learn(float rewardRate)
{
    for (int j = 0; j < Hidden; j++)
    {
        for (int i = 0; i < x.Length; i++)
        {
            toHidden[(i * Hidden) + j] += Tick * Rate * x[i] * ((y[j] - yBefore[j]) / Tick) * rewardRate;
        }

        toOutput[j] += Tick * Rate * hidden[j] * ((y[Hidden] - yBefore[Hidden]) / Tick) * rewardRate;
    }
}
